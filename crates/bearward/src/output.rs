//! What the command says: the only module that writes to stdout or stderr. Everything else returns text, or logs.

use std::io::{self, Write};

/// Writes a result to stdout. The text ends its own lines.
///
/// # Errors
///
/// When stdout is closed or full. A reader that went away (`bearward demo | head`) is no error.
pub(crate) fn out(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// Writes one line to stderr: a problem, or a remark that is not the command's result.
pub(crate) fn err(line: &str) {
    // Where stderr is gone too, there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "{}", line.trim_end());
}
