//! Run times and memory, as the kernel counts them.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::machine::{LOAD_CORE, PROXY_CORE};

/// The process and all that it started.
pub(crate) fn tree(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = processes().filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(&of) = tree.get(next) {
        tree.extend(parents.iter().filter(|(_, parent)| *parent == of).map(|(pid, _)| *pid));
        next += 1;
    }
    tree
}

/// How long the threads of these processes have run, in user and kernel mode.
///
/// It is what `utime` and `stime` of `/proc/PID/task/*/stat` add up to, in nanoseconds where those have ticks of 10 ms.
pub(crate) fn run_time(pids: &[u32]) -> Duration {
    pids.iter().map(|pid| threads(*pid)).sum()
}

fn threads(pid: u32) -> Duration {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Duration::ZERO };
    let run = |task: fs::DirEntry| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok()
    };
    tasks.flatten().filter_map(run).map(Duration::from_nanos).sum()
}

/// The share of the kernel in the run time so far: `(user, system)` in ticks.
pub(crate) fn modes(pids: &[u32]) -> (u64, u64) {
    let of = |pid: &u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        Some((fields.get(11)?.parse::<u64>().ok()?, fields.get(12)?.parse::<u64>().ok()?))
    };
    pids.iter().filter_map(of).fold((0, 0), |sum, modes| (sum.0 + modes.0, sum.1 + modes.1))
}

/// How long both cores have been idle, together.
pub(crate) fn idle() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/stat")?;
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    let mut idle = 0.0;
    for core in [PROXY_CORE, LOAD_CORE] {
        let name = format!("cpu{core} ");
        let line = stat.lines().find(|line| line.starts_with(&name)).context("a core is missing in /proc/stat")?;
        // user nice system idle iowait ...: what waits for a disk is idle.
        idle += line.split_whitespace().skip(4).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>();
    }
    Ok(Duration::from_secs_f64(idle / ticks))
}

/// The kernel threads that finish network work which a core's processes have begun. They are part of the measured work.
pub(crate) fn network_threads() -> Vec<u32> {
    let is_one =
        |pid: &u32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.starts_with("ksoftirqd/"));
    processes().filter(is_one).collect()
}

/// The resident memory of the processes in kilobytes.
///
/// Where a process only watches others (the masters of nginx and Apache), that is what the largest of them has: they share
/// the rest.
pub(crate) fn resident(pids: &[u32]) -> u64 {
    let of = |pid: &u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = text.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    pids.iter().filter_map(of).max().unwrap_or(0)
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn parent(pid: u32) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    text.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
