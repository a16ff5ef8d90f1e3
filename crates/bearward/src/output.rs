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

/// Lays rows out in columns, two spaces apart. The first row is the heading.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let mut text = String::new();
    for row in rows {
        let line: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_have_no_trailing_space() {
        let rows = [["case", "status"], ["no token", "401"], ["a", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "case      status\nno token  401\na\n");
    }
}
