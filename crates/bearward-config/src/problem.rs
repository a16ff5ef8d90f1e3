//! Problems of a configuration, as they are shown to its author.

use std::fmt;

/// All errors and warnings of a configuration, sorted by position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|a, b| a.position.cmp(&b.position));
        Self(problems)
    }

    /// The problems as a list.
    pub(super) fn into_vec(self) -> Vec<Problem> {
        self.0
    }

    /// Whether any problem is an error.
    pub(super) fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    fn count(&self, severity: Severity) -> usize {
        self.0.iter().filter(|problem| problem.severity == severity).count()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(f, "{problem}\n")?;
        }
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let (errors, warnings) = (self.count(Severity::Error), self.count(Severity::Warning));
        write!(f, "{errors} error{}", plural(errors))?;
        if warnings > 0 {
            write!(f, ", {warnings} warning{}", plural(warnings))?;
        }
        Ok(())
    }
}

/// An error or a warning: what is wrong, where it is, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub(super) severity: Severity,
    pub(super) position: Position,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// Whether a configuration with the problem can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// It cannot.
    Error,
    /// It can, but its author should know.
    Warning,
}

/// Where a problem is. Problems are shown in this order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Position {
    /// The file as a whole.
    File { name: String },
    /// A line of the file.
    Line { name: String, excerpt: Excerpt },
    /// An environment variable.
    Variable(String),
    /// A flag of the command line.
    Flag(&'static str),
}

/// A line of the file, and the part of it that is marked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Excerpt {
    /// The line, counted from 1.
    pub(super) line: usize,
    /// The column, in characters, counted from 1.
    pub(super) column: usize,
    /// The line as it may be shown: without secrets and control characters, and cut where it is long.
    pub(super) text: String,
    /// How many characters of `text` come before the marked part.
    pub(super) before: usize,
    /// How many characters of `text` are marked.
    pub(super) width: usize,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        match &self.position {
            Position::File { name } => write!(f, "{name}: ")?,
            Position::Line { name, excerpt } => write!(f, "{name}:{}:{}: ", excerpt.line, excerpt.column)?,
            Position::Variable(name) => write!(f, "{name}: ")?,
            Position::Flag(name) => write!(f, "{name}: ")?,
        }
        write!(f, "{severity}: {}", self.message)?;
        if let Position::Line { excerpt, .. } = &self.position {
            write!(f, "\n{excerpt}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        writeln!(f, "  {number} | {}", self.text)?;
        let carets = "^".repeat(self.width.max(1));
        write!(f, "  {:gutter$} | {:before$}{carets}", "", "", gutter = number.len(), before = self.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(position: Position) -> Problem {
        Problem { severity: Severity::Error, position, message: "is wrong".to_owned(), hint: None }
    }

    fn line(line: usize, column: usize) -> Position {
        let excerpt = Excerpt { line, column, text: "a = 1".to_owned(), before: column - 1, width: 1 };
        Position::Line { name: "c.toml".to_owned(), excerpt }
    }

    #[test]
    fn problems_are_told_in_the_order_of_their_positions_and_counted() {
        let file = Position::File { name: "c.toml".to_owned() };
        let variable = Position::Variable("BEARWARD_A__B".to_owned());
        let shuffled = [Position::Flag("--listen"), line(10, 1), variable, line(2, 5), file, line(2, 1)];
        let mut problems: Vec<Problem> = shuffled.map(problem).into();
        problems.push(Problem { severity: Severity::Warning, ..problem(line(3, 1)) });

        insta::assert_snapshot!(Problems::new(problems), @"
        c.toml: error: is wrong

        c.toml:2:1: error: is wrong
          2 | a = 1
            | ^

        c.toml:2:5: error: is wrong
          2 | a = 1
            |     ^

        c.toml:3:1: warning: is wrong
          3 | a = 1
            | ^

        c.toml:10:1: error: is wrong
          10 | a = 1
             | ^

        BEARWARD_A__B: error: is wrong

        --listen: error: is wrong

        6 errors, 1 warning
        ");
    }
}
