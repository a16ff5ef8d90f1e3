//! The process as Prometheus' client libraries describe it: processor time, memory, descriptors, threads, start.
//!
//! Read from `/proc/self`, so on Linux alone; elsewhere the metrics are simply absent. The `process` feature of the
//! prometheus crate does the same with five more crates.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, IntGauge, Opts, Registry};

/// The unit of processor time in `/proc/self/stat`: 100 in a second is part of Linux's promise to programs (USER_HZ).
const TICKS_PER_SECOND: f64 = 100.0;

/// Adds the process's metrics and `bearward_build_info` to the registry.
///
/// # Errors
///
/// When the registry has metrics of these names already.
pub(crate) fn register(registry: &Registry) -> Result<(), prometheus::Error> {
    let build = Opts::new("bearward_build_info", "Always 1; the labels say which build this is.")
        .const_label("version", env!("CARGO_PKG_VERSION"));
    let build = IntGauge::with_opts(build)?;
    build.set(1);
    registry.register(Box::new(build))?;
    if cfg!(target_os = "linux") {
        registry.register(Box::new(Process::new()?))?;
    }
    Ok(())
}

struct Process {
    cpu: prometheus::Counter,
    resident: IntGauge,
    virtual_memory: IntGauge,
    open_fds: IntGauge,
    max_fds: Gauge,
    threads: IntGauge,
    start: Gauge,
}

impl Process {
    fn new() -> Result<Self, prometheus::Error> {
        let start = Gauge::new("process_start_time_seconds", "Start of the process, in seconds since 1970.")?;
        // The metrics are registered while the process starts, so now is near enough.
        start.set(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64()));
        Ok(Self {
            cpu: prometheus::Counter::new("process_cpu_seconds_total", "User and system processor time, in seconds.")?,
            resident: IntGauge::new("process_resident_memory_bytes", "Resident memory, in bytes.")?,
            virtual_memory: IntGauge::new("process_virtual_memory_bytes", "Virtual memory, in bytes.")?,
            open_fds: IntGauge::new("process_open_fds", "Open file descriptors.")?,
            max_fds: Gauge::new("process_max_fds", "The most file descriptors that may be open.")?,
            threads: IntGauge::new("process_threads", "Threads of the process.")?,
            start,
        })
    }

    fn collectors(&self) -> [&dyn Collector; 7] {
        [&self.cpu, &self.resident, &self.virtual_memory, &self.open_fds, &self.max_fds, &self.threads, &self.start]
    }
}

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        self.collectors().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        if let Some(seconds) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(cpu_seconds) {
            // A counter only grows; the difference is what was used since the last scrape.
            self.cpu.inc_by((seconds - self.cpu.get()).max(0.0));
        }
        if let Ok(status) = fs::read_to_string("/proc/self/status") {
            for (gauge, field, unit) in [
                (&self.resident, "VmRSS:", 1024),
                (&self.virtual_memory, "VmSize:", 1024),
                (&self.threads, "Threads:", 1),
            ] {
                if let Some(value) = number_after(&status, field) {
                    gauge.set(value.saturating_mul(unit));
                }
            }
        }
        if let Ok(limits) = fs::read_to_string("/proc/self/limits") {
            // "unlimited" is no number; Prometheus writes it as infinity.
            self.max_fds.set(number_after(&limits, "Max open files").map_or(f64::INFINITY, |value| value as f64));
        }
        if let Ok(entries) = fs::read_dir("/proc/self/fd") {
            self.open_fds.set(i64::try_from(entries.count()).unwrap_or(i64::MAX));
        }
        self.collectors().into_iter().flat_map(Collector::collect).collect()
    }
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
        let registry = Registry::new();
        register(&registry).unwrap();
        let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        for name in ["process_resident_memory_bytes", "process_open_fds", "process_max_fds", "process_threads"] {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
            assert!(value.unwrap() > 0.0, "{name} in {text}");
        }
        assert!(text.contains(&format!("bearward_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"))));
    }
}
