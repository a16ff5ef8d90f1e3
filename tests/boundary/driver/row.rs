//! A row of a table: bytes, and what must become of them.

use super::Arrival;

/// Bytes that a client sends on a connection of its own, and what must become of them.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(super) name: String,
    pub(super) source: &'static str,
    pub(super) raw: Vec<u8>,
    pub(super) ends: bool,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) is_whole_only: bool,
}

/// All that comes of a row.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    /// The answers in their order, interim ones included, each with the statuses that it may have.
    pub(super) answers: Vec<Vec<u16>>,
    /// Whether the connection may be closed with no answer at all.
    pub(super) may_be_silent: bool,
    pub(super) then: Then,
    pub(super) arrivals: Vec<Arrival>,
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Then {
    /// It serves the next request.
    #[default]
    Kept,
    /// The last answer says that it is closed, and it is.
    Closed,
    /// It is closed, announced or not.
    Ended,
    /// One of these.
    Either,
}

/// A row without an outcome. `source` is the section or the advisory that says what must become of it.
pub(crate) fn row(name: impl Into<String>, source: &'static str, raw: impl AsRef<[u8]>) -> Row {
    let (name, raw) = (name.into(), raw.as_ref().to_vec());
    Row { name, source, raw, ends: false, outcomes: Vec::new(), is_whole_only: false }
}

impl Row {
    /// One answer with one of these statuses, then the connection is closed; nothing reaches the upstream.
    pub(crate) fn refused(self, statuses: &[u16]) -> Self {
        self.or_answered(&[statuses], Then::Closed, Vec::new())
    }

    /// The same, where nothing is wrong with the message itself, so that the connection may go on.
    pub(crate) fn turned_away(self, statuses: &[u16]) -> Self {
        self.or_answered(&[statuses], Then::Either, Vec::new())
    }

    /// The connection is closed, perhaps after an answer with one of these statuses; nothing reaches the upstream.
    pub(crate) fn dropped(mut self, statuses: &[u16]) -> Self {
        self = self.or_answered(&[statuses], Then::Closed, Vec::new());
        self.last().may_be_silent = true;
        self
    }

    /// It arrives byte for byte, with this body; it is answered 200, and the connection is kept.
    pub(crate) fn arrives(self, body: impl AsRef<[u8]>) -> Self {
        let arrival = Arrival::of(&self.raw, body);
        self.arrives_as(arrival)
    }

    /// This arrives; it is answered 200, and the connection is kept.
    pub(crate) fn arrives_as(self, arrival: Arrival) -> Self {
        self.or_answered(&[&[200]], Then::Kept, vec![arrival])
    }

    /// Changes what must arrive.
    pub(crate) fn and(mut self, change: impl FnOnce(Arrival) -> Arrival) -> Self {
        let arrival = self.last().arrivals.pop().expect("the outcome so far is an arrival");
        self.last().arrivals.push(change(arrival));
        self
    }

    /// These answers, and these arrivals, and the connection is kept.
    pub(crate) fn answered(self, answers: &[&[u16]], arrivals: Vec<Arrival>) -> Self {
        self.or_answered(answers, Then::Kept, arrivals)
    }

    /// The connection is closed after the last answer, which says so.
    pub(crate) fn then_closed(mut self) -> Self {
        self.last().then = Then::Closed;
        self
    }

    /// The connection is closed, though the last answer need not say so: what was wrong came after it.
    pub(crate) fn then_ended(mut self) -> Self {
        self.last().then = Then::Ended;
        self
    }

    /// The connection may be closed or kept.
    pub(crate) fn then_either(mut self) -> Self {
        self.last().then = Then::Either;
        self
    }

    /// The client sends nothing more, and says so (it closes its half of the connection).
    pub(crate) fn ends(mut self) -> Self {
        self.ends = true;
        self
    }

    /// It is not cut, since it is long, or since it is about what comes in one piece.
    pub(crate) fn whole_only(mut self) -> Self {
        self.is_whole_only = true;
        self
    }

    fn or_answered(mut self, answers: &[&[u16]], then: Then, arrivals: Vec<Arrival>) -> Self {
        let answers = answers.iter().map(|statuses| statuses.to_vec()).collect();
        self.outcomes.push(Outcome { answers, may_be_silent: false, then, arrivals });
        self
    }

    fn last(&mut self) -> &mut Outcome {
        self.outcomes.last_mut().expect("the row has an outcome")
    }

    /// How many messages may arrive.
    pub(super) fn most_arrivals(&self) -> usize {
        self.outcomes.iter().map(|outcome| outcome.arrivals.len()).max().unwrap_or_default()
    }

    /// Whether something of it must arrive, so that it is a well-formed message.
    pub(super) fn is_well_formed(&self) -> bool {
        self.outcomes.iter().all(|outcome| !outcome.arrivals.is_empty())
    }
}
