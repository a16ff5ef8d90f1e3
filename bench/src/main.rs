//! Compares Bearward with its peers: `bench/run` starts it, and `bench/README.md` tells how it measures.

mod comparison;
mod http;
mod introspection;
mod keys;
mod load;
mod machine;
mod pair;
mod peers;
mod process;
mod procfs;
mod requests;
mod statistics;
mod tokens;
mod upstream;
mod verdicts;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;

use peers::{Proxy, Site};
use statistics::summary;

fn main() -> Result<()> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    let work = bench.join("target/work");
    let _ = fs::remove_dir_all(work.join("run"));
    fs::create_dir_all(work.join("run"))?;
    let installed = peers::install::Installed::prepare(bench, &Proxy::ALL);
    machine::prepare()?;
    rustls::crypto::aws_lc_rs::default_provider().install_default().expect("nothing has installed one before");
    let keys = Arc::new(keys::Keys::load(&work.join("keys"))?);
    let mint = tokens::Mint::new(Arc::clone(&keys), &work.join("tokens"));
    let site = Site {
        folder: work.join("run"),
        keys: keys.folder.clone(),
        upstream: upstream::start()?,
        introspection: introspection::Introspection::start(&keys)?,
        installed,
    };
    println!("{}", machine::describe());
    for comparison in comparison::all() {
        if !names.is_empty() && !names.iter().any(|name| comparison.is_called(name)) {
            continue;
        }
        println!("{}: {}", comparison.id, comparison.what);
        match pair::measure(&site, &mint, comparison.a, comparison.b, 4) {
            Ok(pairs) => {
                println!("  {:?}", summary(pairs.kept.iter().map(|(a, b)| a.cpu / b.cpu)));
                println!("  {:?}", summary(pairs.disturbed.iter().map(|(a, b)| a.cpu / b.cpu)));
                println!("  {} kept {} disturbed {:?}", pairs.kept.len(), pairs.disturbed.len(), pairs.wrong);
                if let Some((a, b)) = pairs.disturbed.last() {
                    println!("  {a:?}\n  {b:?}");
                }
            }
            Err(error) => println!("  {error:#}"),
        }
    }
    Ok(())
}
