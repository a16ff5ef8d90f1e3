//! Compares Bearward with its peers: `bench/run` starts it, and `bench/README.md` tells how it measures.

mod comparison;
mod footprint;
mod http;
mod introspection;
mod keys;
mod load;
mod machine;
mod pair;
mod peers;
mod plan;
mod process;
mod procfs;
mod report;
mod requests;
mod result;
mod statistics;
mod tokens;
mod upstream;
mod verdicts;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};

use introspection::Introspection;
use keys::Keys;
use peers::Site;
use peers::install::Installed;
use plan::{Plan, Task};
use result::{Row, Verdict};
use tokens::Mint;

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).collect();
    if names.iter().any(|name| name == "list" || name.starts_with('-')) {
        println!("{}", plan::list());
        return ExitCode::SUCCESS;
    }
    match Plan::read(&names).and_then(|plan| run(&plan)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench/run: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(plan: &Plan) -> Result<()> {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = bench.parent().context("bench/ is in a folder")?;
    let work = bench.join("target/work");
    machine::prepare()?;
    process::end_together()?;
    // Everything that runs in this process stays beside the proxy's core from here on; what is built may use both.
    let proxies = plan.proxies();
    let installed = machine::unpinned(|| Ok(Installed::prepare(bench, &proxies)))?;
    let about = report::about(&installed, &proxies, root);
    println!("\n{about}");
    let (site, mint) = set_up(&work, installed)?;

    let page = work.join("performance.md");
    let _ = fs::remove_file(&page);
    let mut rows = Vec::new();
    let mut patience = plan.patience;
    for task in &plan.tasks {
        let row = match task {
            Task::Compare(comparison) => {
                let pairs = pair::measure(&site, &mint, comparison.a, comparison.b, plan.pairs, &mut patience);
                Row::of(comparison, pairs, plan.pairs)
            }
            Task::Weigh(footprint, proxy) => {
                pair::wait_for_quiet(&mut patience)?;
                footprint.measure(&site, &mint, *proxy, plan.pairs)
            }
        };
        println!("{}", report::line(&row));
        rows.push(row);
        // Kept as it grows: a run that is broken off has not been for nothing.
        report::write(&page, &rows, &about)?;
    }
    let page = if plan.is_full {
        let docs = root.join("docs/performance.md");
        report::write(&docs, &rows, &about)?;
        docs
    } else {
        page
    };
    let count = |verdict| rows.iter().filter(|row| row.verdict() == verdict).count();
    println!(
        "\n{} aims met, {} limits met, {} missed, {} not measured; the tables are in {}",
        count(Verdict::Aim),
        count(Verdict::Must),
        count(Verdict::Missed),
        count(Verdict::Unknown),
        page.display()
    );
    Ok(())
}

/// Starts what stands around the proxies: keys, tokens, upstream and introspection.
fn set_up(work: &Path, installed: Installed) -> Result<(Site, Mint)> {
    let run = run_folder(&work.join("run"))?;
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow!("another provider of cryptography is installed"))?;
    let keys = Arc::new(Keys::load(&work.join("keys"))?);
    let mint = Mint::new(Arc::clone(&keys), &work.join("tokens"));
    let site = Site {
        folder: run,
        keys: keys.folder.clone(),
        upstream: upstream::start()?,
        introspection: Introspection::start(&keys)?,
        installed,
    };
    Ok((site, mint))
}

/// A folder of this run alone. Those of runs that are over go.
fn run_folder(runs: &Path) -> Result<PathBuf> {
    fs::create_dir_all(runs)?;
    for old in fs::read_dir(runs)?.flatten() {
        let is_over = !Path::new("/proc").join(old.file_name()).exists();
        if is_over {
            fs::remove_dir_all(old.path())?;
        }
    }
    let run = runs.join(std::process::id().to_string());
    let _ = fs::remove_dir_all(&run);
    fs::create_dir(&run)?;
    Ok(run)
}
