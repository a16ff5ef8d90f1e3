//! What stands between the slashes of a path.

use std::mem;

/// The segments of a path, from the left. It borrows the path, and is cheap to clone.
#[derive(Clone, Debug)]
pub struct Segments<'a> {
    /// `None` once the last one was taken.
    left: Option<&'a str>,
    /// Whether one more comes, which is empty.
    slash: bool,
}

impl<'a> Segments<'a> {
    pub(super) fn of(path: &'a str) -> Self {
        Self { left: Some(path.strip_prefix('/').unwrap_or_default()), slash: false }
    }

    pub(super) fn with_other_end(path: &'a str) -> Option<Self> {
        let below_root = path.strip_prefix('/').filter(|below_root| !below_root.is_empty())?;
        Some(match below_root.strip_suffix('/') {
            Some(without) => Self { left: Some(without), slash: false },
            None => Self { left: Some(below_root), slash: true },
        })
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let Some(left) = self.left.take() else { return mem::take(&mut self.slash).then_some("") };
        let Some((segment, rest)) = left.split_once('/') else { return Some(left) };
        self.left = Some(rest);
        Some(segment)
    }
}
