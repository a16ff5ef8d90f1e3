//! What a process uses, as the kernel counts it.

use std::{fs, time::Duration};

/// The memory of a process in bytes that is in use now, and the most that ever was.
pub(crate) fn memory(process: u32) -> (usize, usize) {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let kilobytes = |name: &str| -> usize {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name}"));
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    (kilobytes("VmRSS:") * 1024, kilobytes("VmHWM:") * 1024)
}

/// The time that a process has spent on processors, and how often it has waited for something.
pub(crate) fn work(process: u32) -> (Duration, u64) {
    // Nanoseconds on a processor come first.
    let time = |text: &str| text.split(' ').next()?.parse().ok();
    let waits =
        |text: &str| text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?.trim().parse().ok();
    (Duration::from_nanos(of_tasks(process, "schedstat", time)), of_tasks(process, "status", waits))
}

/// The sum of a number in this file over all threads.
fn of_tasks(process: u32, file: &str, number: impl Fn(&str) -> Option<u64>) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap().filter_map(Result::ok);
    tasks.filter_map(|task| number(&fs::read_to_string(task.path().join(file)).ok()?)).sum()
}
