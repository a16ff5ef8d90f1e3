//! The public interface, item by item: a change of it is seen where it is made.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use quote::{ToTokens, quote};
use syn::{Attribute, Fields, ImplItem, Item, ItemImpl, TraitItem, Type, UseTree, Visibility};

/// The crates whose types are handed on.
const ENGINE: [&str; 2] = ["../bearward-core/src", "../bearward-gate/src"];

#[test]
fn every_public_item() {
    let own = items("src");
    // The lint `unreachable_pub` sees to it that whatever is `pub` can be reached.
    let public: BTreeSet<_> = own.iter().filter_map(public_type).collect();
    let mut listing: BTreeSet<String> = own.iter().flat_map(|item| lines(item, &public)).collect();
    // What of other crates is handed on is this one's interface too; their other types may have the same names.
    let handed_on: BTreeSet<_> = own.iter().flat_map(handed_on).collect();
    for source in ENGINE {
        let items = items(source);
        let public = items.iter().filter_map(public_type).filter(|name| handed_on.contains(name)).collect();
        listing.extend(items.iter().flat_map(|item| of_types(item, &public)));
    }
    insta::assert_snapshot!(listing.into_iter().collect::<Vec<_>>().join("\n"));
}

/// An application that depends on this crate alone can name every type that it gets from it, or has to give.
#[test]
fn every_type_in_a_signature_is_handed_on() {
    let own = items("src");
    let engine: Vec<_> = ENGINE.into_iter().flat_map(items).collect();
    let handed_on: BTreeSet<_> = own.iter().flat_map(handed_on).collect();
    let engine_types: BTreeSet<_> = engine.iter().filter_map(public_type).collect();
    let own_types: BTreeSet<_> = own.iter().filter_map(public_type).collect();
    let own_signatures = own.iter().flat_map(|item| signatures(item, &own_types));
    let signatures = own_signatures.chain(engine.iter().flat_map(|item| signatures(item, &handed_on)));
    let named: BTreeSet<_> = signatures.flat_map(|signature| identifiers(&signature)).collect();
    let missing: Vec<_> =
        named.iter().filter(|name| engine_types.contains(*name) && !handed_on.contains(*name)).collect();
    assert!(missing.is_empty(), "not handed on: {missing:?}");
}

/// The types of a public item's fields, and the signatures of its functions.
fn signatures(item: &Item, public: &BTreeSet<String>) -> Vec<String> {
    let of_fields = |fields: &Fields, all: bool| {
        let open = fields.iter().filter(|field| all || is_public(&field.vis));
        open.map(|field| text(&field.ty)).collect::<Vec<_>>()
    };
    match item {
        Item::Struct(item) if public.contains(&item.ident.to_string()) => of_fields(&item.fields, false),
        Item::Enum(item) if public.contains(&item.ident.to_string()) => {
            item.variants.iter().flat_map(|variant| of_fields(&variant.fields, true)).collect()
        }
        Item::Trait(item) if public.contains(&item.ident.to_string()) => {
            item.items.iter().filter_map(trait_method).collect()
        }
        Item::Fn(item) if is_public(&item.vis) && public.contains(&item.sig.ident.to_string()) => vec![text(&item.sig)],
        Item::Impl(item) if item.trait_.is_none() && public.contains(&name(&item.self_ty)) => {
            item.items.iter().filter_map(|part| method(part, &item.self_ty)).collect()
        }
        _ => Vec::new(),
    }
}

/// The words of a signature: those that are names of types are looked for among them.
fn identifiers(signature: &str) -> Vec<String> {
    signature.split(|letter: char| !letter.is_alphanumeric() && letter != '_').map(str::to_owned).collect()
}

/// All items of a folder's files, and of the folders in it.
fn items(folder: &str) -> Vec<Item> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut items = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let file = syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap();
                items.extend(file.items.into_iter().map(unwrapped));
            }
        }
    }
    items
}

/// The names in `pub use bearward_gate::{...}`.
fn handed_on(item: &Item) -> Vec<String> {
    fn names(tree: &UseTree, found: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => names(&path.tree, found),
            UseTree::Group(group) => group.items.iter().for_each(|tree| names(tree, found)),
            UseTree::Name(name) => found.push(name.ident.to_string()),
            UseTree::Rename(_) | UseTree::Glob(_) => {}
        }
    }
    let mut found = Vec::new();
    match item {
        Item::Use(item) if is_public(&item.vis) => names(&item.tree, &mut found),
        _ => {}
    }
    found
}

/// A type that is declared within `pin_project!` as if it stood there by itself.
fn unwrapped(item: Item) -> Item {
    match &item {
        Item::Macro(call) => syn::parse2(call.mac.tokens.clone()).unwrap_or(item),
        _ => item,
    }
}

fn public_type(item: &Item) -> Option<String> {
    match item {
        Item::Struct(item) => is_public(&item.vis).then(|| item.ident.to_string()),
        Item::Enum(item) => is_public(&item.vis).then(|| item.ident.to_string()),
        Item::Trait(item) => is_public(&item.vis).then(|| item.ident.to_string()),
        _ => None,
    }
}

fn lines(item: &Item, public: &BTreeSet<String>) -> Vec<String> {
    match item {
        Item::Use(item) if is_public(&item.vis) => vec![text(item)],
        Item::Fn(item) if is_public(&item.vis) => vec![text(&item.sig)],
        Item::Const(item) if is_public(&item.vis) => vec![format!("const {}: {}", item.ident, text(&item.ty))],
        Item::Mod(item) if is_public(&item.vis) => vec![format!("mod {}", item.ident)],
        Item::Impl(ItemImpl { trait_: Some((_, of, _)), generics, self_ty, .. }) if public.contains(&name(self_ty)) => {
            let bounds = &generics.where_clause;
            vec![quote!(impl #generics #of for #self_ty #bounds).to_string()]
        }
        _ => of_types(item, public),
    }
}

/// The public types themselves, with their fields, variants and methods.
fn of_types(item: &Item, public: &BTreeSet<String>) -> Vec<String> {
    match item {
        Item::Struct(item) if is_public(&item.vis) && public.contains(&item.ident.to_string()) => {
            let (name, generics) = (&item.ident, &item.generics);
            let open = item.fields.iter().filter(|field| is_public(&field.vis)).map(|field| {
                let (name, ty) = (&field.ident, &field.ty);
                quote!(#name #ty).to_string()
            });
            let open = open.collect::<Vec<_>>().join(", ");
            vec![format!("struct {} {{ {open} }} {}", quote!(#name #generics), derived(&item.attrs))]
        }
        Item::Enum(item) if is_public(&item.vis) && public.contains(&item.ident.to_string()) => {
            let variants = item.variants.iter().map(|variant| {
                let (name, fields) = (&variant.ident, &variant.fields);
                quote!(#name).to_string()
                    + &fields.iter().map(|field| format!(" {}", text(&field.ty))).collect::<String>()
            });
            let variants = variants.collect::<Vec<_>>().join(", ");
            vec![format!("enum {} {{ {variants} }} {}", item.ident, derived(&item.attrs))]
        }
        Item::Trait(item) if is_public(&item.vis) && public.contains(&item.ident.to_string()) => {
            let methods = item.items.iter().filter_map(trait_method);
            vec![format!(
                "trait {}: {} {{ {} }}",
                item.ident,
                text(&item.supertraits),
                methods.collect::<Vec<_>>().join("; ")
            )]
        }
        Item::Impl(item) if item.trait_.is_none() && public.contains(&name(&item.self_ty)) => {
            item.items.iter().filter_map(|part| method(part, &item.self_ty)).collect()
        }
        _ => Vec::new(),
    }
}

fn derived(attributes: &[Attribute]) -> String {
    let tells =
        |attribute: &&Attribute| ["derive", "non_exhaustive"].iter().any(|name| attribute.path().is_ident(name));
    attributes.iter().filter(tells).map(text).collect()
}

fn method(item: &ImplItem, of: &Type) -> Option<String> {
    match item {
        ImplItem::Fn(method) if is_public(&method.vis) => Some(format!("{} :: {}", text(of), text(&method.sig))),
        _ => None,
    }
}

fn trait_method(item: &TraitItem) -> Option<String> {
    match item {
        TraitItem::Fn(method) => Some(text(&method.sig)),
        _ => None,
    }
}

/// `Bearward<S>` -> `Bearward`.
fn name(ty: &Type) -> String {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default(),
        _ => String::new(),
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn text<T: ToTokens>(tokens: &T) -> String {
    tokens.to_token_stream().to_string()
}
