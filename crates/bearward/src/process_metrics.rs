//! The process as Prometheus' client libraries describe it: processor time, memory, descriptors, threads, start.
//!
//! Read from `/proc/self`, so on Linux alone; elsewhere the metrics are simply absent. The `process` feature of the
//! prometheus crate does the same with five more crates.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use bearward_gate::{MetricsError, MetricsRegistry, Reading};

/// The unit of processor time in `/proc/self/stat`: 100 in a second is part of Linux's promise to programs (USER_HZ).
const TICKS_PER_SECOND: f64 = 100.0;

/// Adds the process's metrics and `bearward_build_info` to the registry.
///
/// # Errors
///
/// When the registry has metrics of these names already.
pub(crate) fn register(registry: &MetricsRegistry) -> Result<(), MetricsError> {
    let (name, help) = ("bearward_build_info", "Always 1; the labels say which build this is.");
    registry.measured(name, help, &[("version", env!("CARGO_PKG_VERSION"))], || Reading::Gauge(1.0))?;
    if cfg!(target_os = "linux") {
        for (name, help, read) in PROCESS {
            registry.measured(name, help, &[], read)?;
        }
        // The metrics are registered while the process starts, so now is near enough.
        let start = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        let help = "Start of the process, in seconds since 1970.";
        registry.measured("process_start_time_seconds", help, &[], move || Reading::Gauge(start))?;
    }
    Ok(())
}

/// A metric's name, what it says, and how it is read.
type Metric = (&'static str, &'static str, fn() -> Reading);

const PROCESS: [Metric; 6] = [
    ("process_cpu_seconds_total", "User and system processor time, in seconds.", || {
        let stat = fs::read_to_string("/proc/self/stat").ok();
        stat.as_deref().and_then(cpu_seconds).map_or(Reading::Absent, Reading::Counter)
    }),
    ("process_resident_memory_bytes", "Resident memory, in bytes.", || kibibytes("VmRSS:")),
    ("process_virtual_memory_bytes", "Virtual memory, in bytes.", || kibibytes("VmSize:")),
    ("process_open_fds", "Open file descriptors.", || {
        fs::read_dir("/proc/self/fd").map_or(Reading::Absent, |entries| Reading::Gauge(entries.count() as f64))
    }),
    ("process_max_fds", "The most file descriptors that may be open.", || {
        let Ok(limits) = fs::read_to_string("/proc/self/limits") else { return Reading::Absent };
        // "unlimited" is no number; Prometheus writes it as infinity.
        Reading::Gauge(number_after(&limits, "Max open files").map_or(f64::INFINITY, |value| value as f64))
    }),
    ("process_threads", "Threads of the process.", || status("Threads:").map_or(Reading::Absent, Reading::Gauge)),
];

fn kibibytes(field: &str) -> Reading {
    status(field).map_or(Reading::Absent, |kibibytes| Reading::Gauge(kibibytes * 1_024.0))
}

/// A number of `/proc/self/status`.
fn status(field: &str) -> Option<f64> {
    number_after(&fs::read_to_string("/proc/self/status").ok()?, field).map(|value| value as f64)
}

/// Fields 14 and 15 of `/proc/self/stat`, counted after the name, which is in parentheses and may hold anything.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_SECOND)
}

fn number_after(text: &str, field: &str) -> Option<i64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(field))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn processor_time_is_read_after_a_name_with_spaces_and_parentheses() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 100";
        assert_eq!(cpu_seconds(stat), Some(3.0));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_described() {
        let registry = MetricsRegistry::default();
        register(&registry).unwrap();
        let text = registry.text().unwrap();
        for name in ["process_resident_memory_bytes", "process_open_fds", "process_max_fds", "process_threads"] {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
            assert!(value.unwrap() > 0.0, "{name} in {text}");
        }
        assert!(text.contains(&format!("bearward_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"))));
    }
}
