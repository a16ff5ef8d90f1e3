//! The public interface, item by item: a change of it is seen where it is made.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use quote::{ToTokens, quote};
use syn::{Fields, ImplItem, Item, Type, Visibility};

#[test]
fn every_public_item() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files: Vec<_> = fs::read_dir(source).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let parsed: Vec<_> =
        files.iter().map(|path| syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap()).collect();
    let items: Vec<_> = parsed.into_iter().flat_map(|file| file.items).map(unwrapped).collect();
    // The lint `unreachable_pub` sees to it that whatever is `pub` can be reached.
    let public: BTreeSet<_> = items.iter().filter_map(public_type).collect();
    let lines: BTreeSet<String> = items.iter().flat_map(|item| lines(item, &public)).collect();
    let listing: Vec<_> = lines.into_iter().collect();
    insta::assert_snapshot!(listing.join("\n"));
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
        _ => None,
    }
}

fn lines(item: &Item, public: &BTreeSet<String>) -> Vec<String> {
    match item {
        Item::Use(item) if is_public(&item.vis) => vec![text(item)],
        Item::Fn(item) if is_public(&item.vis) => vec![text(&item.sig)],
        Item::Const(item) if is_public(&item.vis) => vec![format!("const {}: {}", item.ident, text(&item.ty))],
        Item::Mod(item) if is_public(&item.vis) => vec![format!("mod {}", item.ident)],
        Item::Struct(item) if is_public(&item.vis) => {
            let (name, generics) = (&item.ident, &item.generics);
            let fields = match &item.fields {
                Fields::Unnamed(fields) => fields.unnamed.iter().collect::<Vec<_>>(),
                Fields::Named(fields) => fields.named.iter().collect(),
                Fields::Unit => Vec::new(),
            };
            let open = fields.into_iter().filter(|field| is_public(&field.vis)).map(|field| {
                let (name, ty) = (&field.ident, &field.ty);
                quote!(#name #ty).to_string()
            });
            let derived = item.attrs.iter().filter(|attribute| attribute.path().is_ident("derive")).map(text);
            let (open, derived) = (open.collect::<Vec<_>>().join(", "), derived.collect::<String>());
            vec![format!("struct {} {{ {open} }} {derived}", quote!(#name #generics))]
        }
        Item::Impl(item) if public.contains(&name(&item.self_ty)) => {
            let (generics, bounds, ty) = (&item.generics, &item.generics.where_clause, &item.self_ty);
            match &item.trait_ {
                Some((_, of, _)) => vec![quote!(impl #generics #of for #ty #bounds).to_string()],
                None => item.items.iter().filter_map(|item| method(item, ty)).collect(),
            }
        }
        _ => Vec::new(),
    }
}

fn method(item: &ImplItem, of: &Type) -> Option<String> {
    match item {
        ImplItem::Fn(method) if is_public(&method.vis) => Some(format!("{} :: {}", text(of), text(&method.sig))),
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
