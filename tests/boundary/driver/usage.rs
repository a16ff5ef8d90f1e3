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

/// The time that a process has spent on processors.
pub(crate) fn processor_time(process: u32) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let of_task = |task: fs::DirEntry| {
        // Nanoseconds on a processor come first.
        let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0)
    };
    Duration::from_nanos(tasks.filter_map(Result::ok).map(of_task).sum())
}
