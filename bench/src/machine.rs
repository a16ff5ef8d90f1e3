//! What this machine is, and which core does what.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};

/// The core that the proxy alone runs on.
pub(crate) const PROXY_CORE: usize = 0;

/// The core of all others: load generator, upstream, introspection server, and what watches them.
pub(crate) const LOAD_CORE: usize = 1;

/// Checks that the method can be carried out here, and makes room for open files.
pub(crate) fn prepare() -> Result<()> {
    let cores = std::thread::available_parallelism()?.get();
    ensure!(cores >= 2, "two cores are needed: one for the proxy, one for load generator and upstream");
    ensure!(fs::exists("/proc/self/schedstat")?, "the kernel does not tell run times: /proc/self/schedstat is missing");
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    pin(&[LOAD_CORE])
}

/// Binds this thread to the cores. What it starts inherits that.
pub(crate) fn pin(cores: &[usize]) -> Result<()> {
    let mut set = CpuSet::new();
    cores.iter().for_each(|core| set.set(*core));
    sched_setaffinity(None, &set).context("cannot choose a core")
}

/// Does something, such as starting a process, bound to the cores; then goes back to the load generator's.
pub(crate) fn pinned<T>(cores: &[usize], work: impl FnOnce() -> Result<T>) -> Result<T> {
    pin(cores)?;
    let result = work();
    pin(&[LOAD_CORE])?;
    result
}

/// Does something, such as building, on all cores; then goes back to the load generator's.
pub(crate) fn unpinned<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let all: Vec<usize> = (0..CpuSet::MAX_CPU).collect();
    pinned(&all, work)
}

/// A line on the processor, cores and kernel.
pub(crate) fn describe() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpuinfo.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let cores = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes = memory.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).unwrap_or(0);
    format!(
        "{cores} cores of {} (family {}, model {}){}, {} GB; Linux {}",
        field("model name").unwrap_or_else(|| "unknown".to_owned()),
        field("cpu family").unwrap_or_default(),
        field("model\t").unwrap_or_default(),
        if cpuinfo.contains(" hypervisor ") { ", virtual" } else { "" },
        kilobytes.div_ceil(1024 * 1024),
        fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
    )
}

/// What a command prints, on either stream.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    Some(String::from_utf8_lossy(&text).trim().to_owned())
}
