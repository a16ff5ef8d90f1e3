//! Logs: human or JSON, to stderr.
//!
//! The log is no part of a request. Who logs formats a line and puts it into a bounded queue; one thread writes. A reader
//! that stops takes lines, and never an answer: those of admitted requests first, warnings and errors last.

mod queue;
mod writer;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal};
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;
use std::time::Duration;

use tracing::{Metadata, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use self::queue::{Queue, Urgency};
use bearward_config::{LogFormat, LogSettings};
use bearward_gate::{MetricsError, MetricsRegistry, Reading};

/// The log of this process. Dropped, it waits until all is written, for a bounded time.
#[derive(Debug)]
pub(crate) struct Log(Arc<Queue>);

/// How long the end of the process waits for a slow reader.
const FLUSH: Duration = Duration::from_secs(2);

/// Starts logging, of this process and of the libraries that use `log`.
///
/// The level is one (`info`) or a list of directives as in `RUST_LOG` (`info,bearward_gate=debug`).
///
/// # Errors
///
/// When the level cannot be read, or logging was started before.
pub(crate) fn start(settings: &LogSettings) -> anyhow::Result<Log> {
    let queue = Arc::new(Queue::new(settings.max_queued_bytes));
    // Also takes over what is said through `log`.
    subscriber(&settings.level, settings.format, Lines(Arc::clone(&queue)))?.try_init()?;
    writer::spawn(Arc::clone(&queue))?;
    panic::set_hook(Box::new(tell_panic));
    Ok(Log(queue))
}

impl Log {
    /// Adds the metrics of the log.
    ///
    /// # Errors
    ///
    /// When the registry has metrics of these names already.
    pub(crate) fn register(&self, registry: &MetricsRegistry) -> Result<(), MetricsError> {
        let (name, help) = ("bearward_log_dropped_total", "Lines of the log for which the queue had no room.");
        for level in Urgency::LEVELS {
            let queue = Arc::clone(&self.0);
            let read = move || Reading::Counter(queue.dropped_lines(level) as f64);
            registry.measured(name, help, &[("level", &level.as_str().to_ascii_lowercase())], read)?;
        }
        let queue = Arc::clone(&self.0);
        let (name, help) = ("bearward_log_write_errors_total", "Writes of the log that the system refused.");
        registry.measured(name, help, &[], move || Reading::Counter(queue.write_errors() as f64))?;
        let queue = Arc::clone(&self.0);
        let (name, help) = ("bearward_log_queued_bytes", "Bytes of the log that are not written yet.");
        registry.measured(name, help, &[], move || Reading::Gauge(queue.len() as f64))
    }

    /// Tells what is no event, and comes after all that was logged: why the process ends.
    pub(crate) fn last_word(&self, line: &str) {
        self.0.push(Urgency::LAST_WORD, format!("{}\n", line.trim_end()).as_bytes());
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.0.close(FLUSH);
    }
}

/// A panic is logged like anything else: what the library writes by itself would wait for the reader.
fn tell_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("no message");
    let at = panic.location().map(tracing::field::display);
    let backtrace = Backtrace::capture(); // where RUST_BACKTRACE asks for it
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| tracing::field::display(backtrace));
    let thread = std::thread::current();
    tracing::error!(thread = thread.name(), at, backtrace, "a panic, which is a defect of bearward: {message}");
}

/// Gives each event a writer into the queue.
#[derive(Debug)]
struct Lines(Arc<Queue>);

/// Takes one line. The formatting layer writes each event whole, from a buffer of its thread.
struct Line<'a>(&'a Queue, Urgency);

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(&self.0, Urgency::LAST_WORD)
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line<'a> {
        Line(&self.0, Urgency::of(metadata))
    }
}

impl io::Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(self.1, line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn subscriber<W>(filter: &str, format: LogFormat, writer: W) -> anyhow::Result<impl Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let env_filter = EnvFilter::builder().parse(filter).map_err(|error| {
        anyhow::anyhow!("cannot read the log level {filter:?}: {error}; write a level such as \"info\", or directives")
    })?;
    let lines = tracing_subscriber::fmt::layer().with_ansi(io::stderr().is_terminal()).with_writer(writer);
    let lines = match format {
        LogFormat::Human => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    Ok(tracing_subscriber::registry().with(env_filter).with(lines))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::subscriber::with_default;

    use super::*;

    #[test]
    fn json_is_one_object_a_line() {
        let log = logged("info", LogFormat::Json);
        let lines: Vec<serde_json::Value> = log.lines().flat_map(serde_json::from_str).collect();
        assert_eq!(lines.len(), log.lines().count(), "{log}");
        assert!(lines.iter().any(|line| line["message"] == "from the gate" && line["level"] == "INFO"), "{log}");
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_told() {
        let error = subscriber("info,=,", LogFormat::Human, io::sink).err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.starts_with("cannot read the log level \"info,=,\"")));
    }

    fn logged(filter: &str, format: LogFormat) -> String {
        let buffer = Buffer::default();
        with_default(subscriber(filter, format, buffer.clone()).unwrap(), || {
            tracing::info!(target: "bearward_gate::gate", "from the gate");
        });
        buffer.0.lock().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().map_err(|_| io::Error::other("poisoned"))?.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Buffer {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }
}
