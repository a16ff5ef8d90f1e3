//! What each check of a decision found, to explain the decision afterwards.
//!
//! A decision runs without a [`Trace`]: it stops at the first check that fails, and makes no text. With one, the same
//! code also says what was expected and what was found, and every check that does not depend on a failed one still runs.

use std::borrow::Cow;
use std::fmt;

use crate::{Check, Reason, Unverified};

/// The findings of one decision, in the order in which the checks are made.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    findings: Vec<Finding>,
}

/// What one check found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// The check.
    pub check: Check,
    /// Whether it passed.
    pub outcome: Outcome,
    /// What it asks for, from the configuration.
    pub expected: Option<String>,
    /// What there is.
    pub found: Option<Found>,
}

/// Whether a check passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It passed.
    Passed,
    /// It failed, for this reason.
    Failed(Reason),
}

/// What a check found. `Display` shows what is of a token in printable ASCII of bounded length.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Found {
    /// Words of our own and of the configuration, which hold nothing of the token.
    Note(Cow<'static, str>),
    /// What a token says that is not proved.
    Unverified(Unverified),
    /// What a proved token says, escaped.
    Verified(Box<str>),
}

impl Trace {
    /// An empty trace.
    pub fn new() -> Self {
        Self::default()
    }

    /// The findings so far.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The first finding that failed: the one for which the decision refuses.
    pub fn first_failure(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.reason().is_some())
    }

    /// Notes a check that the caller makes itself, such as [`Check::Route`].
    pub fn note<T>(&mut self, check: Check, outcome: &Result<T, Reason>) {
        self.push(check, outcome, Detail::default());
    }

    /// Notes a check whose outcome is known only after it was made in vain: what was noted of it, and of later ones, is
    /// withdrawn first.
    pub fn note_again<T>(&mut self, check: Check, outcome: &Result<T, Reason>) {
        self.findings.retain(|finding| finding.check < check);
        self.note(check, outcome);
    }

    /// Puts the findings of `later` in the place of all from `check` on: those checks were made anew.
    pub fn replace_from(&mut self, check: Check, later: Self) {
        self.findings.retain(|finding| finding.check < check);
        self.findings.extend(later.findings);
    }

    /// Adds the findings of checks that were made later.
    pub fn append(&mut self, later: Self) {
        self.findings.extend(later.findings);
    }

    pub(crate) fn push<T>(&mut self, check: Check, outcome: &Result<T, Reason>, detail: Detail) {
        let outcome = outcome.as_ref().map_or_else(|reason| Outcome::Failed(*reason), |_| Outcome::Passed);
        self.findings.push(Finding { check, outcome, expected: detail.expected, found: detail.found });
    }
}

impl Finding {
    /// The reason, where the check failed.
    pub fn reason(&self) -> Option<Reason> {
        match self.outcome {
            Outcome::Passed => None,
            Outcome::Failed(reason) => Some(reason),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.check)?;
        match self.outcome {
            Outcome::Passed => f.write_str("passed")?,
            Outcome::Failed(reason) => write!(f, "failed ({reason})")?,
        }
        if let Some(expected) = &self.expected {
            write!(f, ", expected {expected}")?;
        }
        match &self.found {
            Some(found) => write!(f, ", found {found}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note(text) => f.write_str(text),
            Self::Unverified(unverified) => write!(f, "{unverified}"),
            Self::Verified(text) => f.write_str(text),
        }
    }
}

/// What a check asked for and what it found, made only for a [`Trace`].
#[derive(Debug, Default)]
pub(crate) struct Detail {
    pub(crate) expected: Option<String>,
    pub(crate) found: Option<Found>,
}

impl Detail {
    pub(crate) fn expected(text: impl Into<String>) -> Self {
        Self { expected: Some(text.into()), found: None }
    }

    /// What an unproved token says; absent where it says nothing.
    pub(crate) fn unverified(self, unverified: Option<Unverified>) -> Self {
        let found = unverified.map_or(Found::Note(Cow::Borrowed("nothing")), Found::Unverified);
        Self { found: Some(found), ..self }
    }

    pub(crate) fn note(self, note: impl Into<Cow<'static, str>>) -> Self {
        Self { found: Some(Found::Note(note.into())), ..self }
    }

    pub(crate) fn verified(self, text: Box<str>) -> Self {
        Self { found: Some(Found::Verified(text)), ..self }
    }
}

/// Notes a check on which later ones depend, and hands its outcome on. Free without a trace.
pub(crate) fn noted<T>(
    trace: &mut Option<&mut Trace>,
    check: Check,
    outcome: Result<T, Reason>,
    detail: impl FnOnce() -> Detail,
) -> Result<T, Reason> {
    if let Some(trace) = trace {
        trace.push(check, &outcome, detail());
    }
    outcome
}

/// Makes the checks of a list, none of which depends on another: until the first that fails where there is no trace,
/// all of them where there is one. The outcome is the same, that of the first that fails.
///
/// Each entry of a list is a check, its rule, and what a trace says of it.
pub(crate) fn checked<S, R, D>(
    list: &[(Check, R, D)],
    subject: &S,
    trace: &mut Option<&mut Trace>,
) -> Result<(), Reason>
where
    R: Fn(&S) -> Result<(), Reason>,
    D: Fn(&S) -> Detail,
{
    match trace {
        None => list.iter().try_for_each(|(_, rule, _)| rule(subject)),
        Some(trace) => {
            let mut verdict = Ok(());
            for (check, rule, detail) in list {
                let outcome = rule(subject);
                trace.push(*check, &outcome, detail(subject));
                verdict = verdict.and(outcome);
            }
            verdict
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Step = (Check, fn(&[u8; 2]) -> Result<(), Reason>, fn(&[u8; 2]) -> Detail);

    const LIST: &[Step] = &[
        (Check::Time, |[time, _]| if *time < 5 { Ok(()) } else { Err(Reason::TokenExpired) }, |_| Detail::default()),
        (
            Check::Audience,
            |[_, audience]| if *audience < 5 { Ok(()) } else { Err(Reason::AudienceMismatch) },
            |_| Detail::expected("less than 5").note("too much"),
        ),
    ];

    #[test]
    fn both_drivers_come_to_the_same_and_one_of_them_runs_all() {
        for (subject, expected) in [
            ([0, 0], Ok(())),
            ([9, 0], Err(Reason::TokenExpired)),
            ([0, 9], Err(Reason::AudienceMismatch)),
            ([9, 9], Err(Reason::TokenExpired)),
        ] {
            assert_eq!(checked(LIST, &subject, &mut None), expected);
            let mut trace = Trace::new();
            assert_eq!(checked(LIST, &subject, &mut Some(&mut trace)), expected);
            assert_eq!(
                trace.findings().iter().map(|finding| finding.check).collect::<Vec<_>>(),
                [Check::Time, Check::Audience]
            );
            assert_eq!(trace.first_failure().and_then(Finding::reason), expected.err());
        }
    }

    #[test]
    fn the_decision_makes_no_check_after_the_first_that_fails() {
        let list: [Step; 2] = [
            (Check::Time, |_| Err(Reason::TokenExpired), |_| panic!("a text that a decision does not need")),
            (Check::Audience, |_| panic!("a check after the first that failed"), |_| Detail::default()),
        ];
        assert_eq!(checked(&list, &[0, 0], &mut None), Err(Reason::TokenExpired));
    }

    #[test]
    fn a_finding_reads_as_a_sentence() {
        let mut trace = Trace::new();
        trace.note(Check::Route, &Ok::<(), Reason>(()));
        let _ = checked(LIST, &[0, 9], &mut Some(&mut trace));
        let shown: Vec<_> = trace.findings().iter().map(Finding::to_string).collect();
        assert_eq!(
            shown,
            [
                "route: passed",
                "time: passed",
                "audience: failed (audience_mismatch), expected less than 5, found too much",
            ]
        );
    }
}
