//! A child process whose output is kept, and that does not outlive its test.

use super::SOON;
use std::{
    io::{BufRead as _, BufReader, Read},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// A running child. Dropped, it is killed by its own id and waited for.
pub struct Process {
    name: String,
    child: Child,
    output: Output,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts `command` with its standard output and error captured, line by line, and its standard input a pipe that
    /// stays open for as long as this value lives.
    pub fn spawn(name: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name} ({command:?}): {error}"));
        let output = Output::default();
        let readers = vec![output.capture(child.stdout.take()), output.capture(child.stderr.take())];
        Self { name: name.to_owned(), child, output, readers }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All lines so far, of standard output and standard error together.
    pub fn lines(&self) -> Vec<String> {
        self.output.lines()
    }

    /// All output so far as one text.
    pub fn log(&self) -> String {
        self.lines().join("\n")
    }

    /// The first line for which `wanted` holds, waiting for it if need be.
    pub fn wait_for_line(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        self.wait_until(what, |process| process.lines().into_iter().find(|line| wanted(line)))
    }

    /// Waits until something accepts connections at `address`.
    pub fn wait_for_port(&mut self, address: SocketAddr) {
        self.wait_until(&format!("a listener at {address}"), |_| {
            TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok()
        });
    }

    /// Waits until `look` finds something; panics with the output when the process ends first or time runs out.
    pub fn wait_until<T>(&mut self, what: &str, look: impl Fn(&Self) -> Option<T>) -> T {
        let deadline = Instant::now() + SOON;
        loop {
            let ended = self.exited(); // asked before looking, so that the last words of an ended process are seen
            if ended.is_some() {
                self.readers.drain(..).for_each(|reader| drop(reader.join()));
            }
            if let Some(found) = look(self) {
                return found;
            }
            if let Some(status) = ended {
                panic!("{} ended ({status}) before {what}; it said:\n{}", self.name, self.log());
            }
            assert!(Instant::now() < deadline, "{}: no {what} within {SOON:?}; it said:\n{}", self.name, self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// How it ended, if it has.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Sends a signal by name (`TERM`, `HUP`, ...) to this process alone.
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").arg(format!("-{signal}")).arg(self.id().to_string()).status();
        assert!(status.expect("kill(1) runs").success(), "kill -{signal} {}", self.id());
    }

    /// Waits for the process to end by itself and gives its status and whole output.
    pub fn wait(&mut self, timeout: Duration) -> ExitStatus {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(status) = self.exited() {
                self.readers.drain(..).for_each(|reader| drop(reader.join()));
                return status;
            }
            assert!(Instant::now() < deadline, "{} has not ended within {timeout:?}:\n{}", self.name, self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it at once and waits for its end.
    pub fn kill(&mut self) {
        let _ = self.child.kill(); // it may have ended already
        let _ = self.child.wait();
        self.readers.drain(..).for_each(|reader| drop(reader.join()));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            use std::io::Write as _; // a failing test shows what the processes around it said
            let _ = writeln!(std::io::stderr(), "---- {} said ----\n{}", self.name, self.log());
        }
    }
}

/// The lines of a child, filled by one thread for each of its streams.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<String>>>);

impl Output {
    fn capture(&self, stream: Option<impl Read + Send + 'static>) -> JoinHandle<()> {
        let (lines, stream) = (self.clone(), BufReader::new(stream.expect("the stream is a pipe")));
        std::thread::spawn(move || {
            for line in stream.split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                lines.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        })
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
