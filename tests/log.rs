//! The log is no part of a request: a reader that stops, slows down or goes away takes lines, and never an answer.

use crate::support::{Connection, Echo, Gateway, SOON, eventually, minimal_config};
use std::{
    fs::{File, OpenOptions},
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// More than the queue of the tests and a pipe's own buffer hold.
const MANY: usize = 3_000;

#[test]
fn a_log_that_nobody_reads_stops_no_request_and_not_the_end() {
    let (echo, pipe) = (Echo::start(), Pipe::new());
    let mut gateway = Gateway::start_with(&config("", &echo), |command| *command = pipe.takes_stderr_of(command));
    ask(&gateway, MANY);
    // What is not yet written waits, within its bound.
    let metrics = gateway.metrics();
    assert!(metrics.sum("bearward_log_queued_bytes", &[]) > 100_000.0, "{}", metrics.0);
    assert_eq!(metrics.sum("bearward_log_dropped_total", &[]), 0.0, "{}", metrics.0);
    let asked = Instant::now();
    assert_eq!(gateway.stop().code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(8), "the log held the process for {:?}", asked.elapsed());
}

#[test]
fn what_does_not_fit_is_dropped_and_counted_and_every_other_line_is_whole() {
    for format in ["json", "human"] {
        let (echo, pipe) = (Echo::start(), Pipe::new());
        let log = format!("[log]\nformat = {format:?}\nmax_queued_bytes = \"64KiB\"\n");
        let mut gateway = Gateway::start_with(&config(&log, &echo), |command| *command = pipe.takes_stderr_of(command));
        ask(&gateway, MANY);
        let dropped =
            |gateway: &Gateway, level| gateway.metrics().sum("bearward_log_dropped_total", &[("level", level)]);
        assert!(dropped(&gateway, "info") > 1_000.0, "{}", gateway.metrics().0);
        // The issuer is away, which is a warning now and then: there is always room for it.
        assert_eq!((dropped(&gateway, "warn"), dropped(&gateway, "error")), (0.0, 0.0), "{}", gateway.metrics().0);
        assert!(gateway.metrics().sum("bearward_log_queued_bytes", &[]) <= 65_536.0, "{}", gateway.metrics().0);

        // Somebody reads again.
        let reader = pipe.read();
        eventually("all is written", SOON, || gateway.metrics().sum("bearward_log_queued_bytes", &[]) == 0.0);
        ask(&gateway, 10);
        let lost = dropped(&gateway, "info");
        assert_eq!(gateway.stop().code(), Some(0));
        drop(pipe);
        let text = reader.join().unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for line in &lines {
            match format {
                "json" => assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line:?}"),
                _ => assert!(line.starts_with("20") && line.matches(" INFO ").count() <= 1, "{line:?}"),
            }
        }
        let of = |part: &str| lines.iter().filter(|line| line.contains(part)).count();
        let (written, told) = (of("bearward::access"), of("could not be written"));
        assert_eq!(written + lost as usize, MANY + 10, "{lost} lost");
        assert_eq!(told, 1, "{text}");
        let number = if format == "json" { format!("\"lines\":{lost}") } else { format!("lines={lost}") };
        assert_eq!(of(&number), 1, "{number}: {text}");
    }
}

#[test]
fn a_log_that_cannot_be_written_at_all_stops_nothing() {
    let echo = Echo::start();
    let mut full = Gateway::start_with(&config("", &echo), |command| {
        *command = by_shell(command, "2>/dev/full");
    });
    ask(&full, 300);
    eventually("the failures are counted", SOON, || full.metrics().sum("bearward_log_write_errors_total", &[]) > 0.0);
    assert_eq!(full.stop().code(), Some(0));

    let pipe = Pipe::new();
    let mut gone = Gateway::start_with(&config("", &echo), |command| *command = pipe.takes_stderr_of(command));
    drop(pipe);
    ask(&gone, 300);
    eventually("the failures are counted", SOON, || gone.metrics().sum("bearward_log_write_errors_total", &[]) > 0.0);
    assert_eq!(gone.stop().code(), Some(0));
}

#[test]
fn the_reason_of_an_end_is_told_and_a_full_pipe_does_not_hold_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bearward.toml");
    let listen = format!("[server]\nlisten = \"{}\"\n", taken.local_addr().unwrap());
    std::fs::write(&file, format!("{listen}{}", minimal_config("http://127.0.0.1:1", "127.0.0.1:1"))).unwrap();
    let pipe = Pipe::new();
    pipe.fill();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bearward"));
    command.arg("run").arg("--config").arg(&file);
    let begun = Instant::now();
    let mut child = pipe.takes_stderr_of(&command).stdin(Stdio::null()).spawn().unwrap();
    let mut ended = None;
    while ended.is_none() && begun.elapsed() < Duration::from_secs(8) {
        std::thread::sleep(Duration::from_millis(20));
        ended = child.try_wait().unwrap();
    }
    let _ = child.kill(); // it may have ended
    child.wait().unwrap();
    assert_eq!(ended.and_then(|status| status.code()), Some(69), "after {:?}", begun.elapsed());
}

/// An issuer that is nowhere and an open route.
fn config(more: &str, echo: &Echo) -> String {
    let open = "[[routes]]\npath = \"/open\"\nupstream = \"orders\"\nopen = true\n";
    format!("{more}{}{open}", minimal_config("http://127.0.0.1:1", &echo.address()))
}

/// Asks so often, on one connection; each must be answered soon.
fn ask(gateway: &Gateway, times: usize) {
    let mut connection = Connection::open(gateway.address());
    let request = gateway.get("/open").bytes();
    for number in 0..times {
        connection.send_raw(&request).unwrap();
        let answer = connection.read_response("GET").unwrap_or_else(|error| panic!("request {number}: {error}"));
        assert_eq!(answer.status, 200, "request {number}");
    }
}

/// A pipe that is open for reading and not read.
struct Pipe {
    path: PathBuf,
    _ours: File,
    _directory: tempfile::TempDir,
}

impl Pipe {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        // For both, because a pipe that is opened for one waits for the other.
        let ours = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        Self { path, _ours: ours, _directory: directory }
    }

    fn takes_stderr_of(&self, command: &Command) -> Command {
        by_shell(command, &format!("2>{}", self.path.display()))
    }

    /// Puts in as much as it holds.
    fn fill(&self) {
        let fill = "head -c 1048576 /dev/zero | timeout 1 dd bs=4096 status=none oflag=append conv=notrunc >";
        let _ = Command::new("sh").arg("-c").arg(format!("{fill}{}", self.path.display())).status();
    }

    /// Reads everything, from now to the end of the last writer.
    fn read(&self) -> std::thread::JoinHandle<String> {
        let mut pipe = File::open(&self.path).unwrap();
        std::thread::spawn(move || {
            let mut text = String::new();
            pipe.read_to_string(&mut text).unwrap();
            text
        })
    }
}

/// The same command, by a shell that redirects its output.
fn by_shell(command: &Command, redirection: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("exec \"$0\" \"$@\" {redirection}"));
    shell.arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir().map(Path::to_owned) {
        shell.current_dir(folder);
    }
    shell
}
