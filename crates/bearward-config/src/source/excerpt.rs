//! The line of the file at which a problem is shown.

use std::ops::Range;

use crate::location::visible;
use crate::problem::Excerpt;
use crate::redact::REDACTED;

/// The line in which a span begins, as it may be shown.
pub(super) fn excerpt(text: &str, span: Range<usize>, hidden: &[Range<usize>]) -> Excerpt {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let (above, below) = text.split_at(start);
    let line_start = above.rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = start + below.find('\n').unwrap_or(below.len());
    let content = text.get(line_start..line_end).unwrap_or_default().trim_end_matches('\r');

    let mut shown = String::new();
    let mut marked = Vec::new(); // per character of `shown`: whether it is marked
    let mut redacting = false;
    for (offset, c) in content.char_indices() {
        let offset = line_start + offset;
        let piece: String = match hidden.iter().any(|range| range.contains(&offset)) {
            false => visible(if c == '\t' { ' ' } else { c }).collect(),
            true if redacting => String::new(),
            true => REDACTED.to_owned(),
        };
        redacting = hidden.iter().any(|range| range.contains(&offset));
        marked.extend(piece.chars().map(|_| span.contains(&offset)));
        shown.push_str(&piece);
    }

    let column = text.get(line_start..start).unwrap_or_default().chars().count() + 1;
    // A span that is empty, or at the end of the line, is the place where something is missing.
    let before = marked.iter().position(|marked| *marked).unwrap_or(if redacting { 0 } else { marked.len() });
    let width = marked.iter().filter(|marked| **marked).count();
    cut(Excerpt { line: above.matches('\n').count() + 1, column, text: shown, before, width })
}

/// A long line, cut to the surroundings of the marked part.
fn cut(excerpt: Excerpt) -> Excerpt {
    const MOST: usize = 120;
    const AROUND: usize = 40;
    let length = excerpt.text.chars().count();
    if length <= MOST {
        return excerpt;
    }
    let from = if excerpt.before > MOST - AROUND { excerpt.before - AROUND } else { 0 };
    let lead = if from > 0 { "..." } else { "" };
    let trail = if from + MOST < length { "..." } else { "" };
    let window: String = excerpt.text.chars().skip(from).take(MOST).collect();
    let before = lead.len() + excerpt.before - from;
    let width = excerpt.width.min(MOST + from - excerpt.before);
    Excerpt { text: format!("{lead}{window}{trail}"), before, width, ..excerpt }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn columns_count_characters_and_strange_ones_do_no_harm() {
        let text = "a = '\u{e9}\u{e9}', b = 1";
        let at = text.find('b').unwrap();
        assert_eq!(excerpt(text, at..at + 1, &[]).column, 11);
        let escape = excerpt("a = \u{1b}[2J", 4..5, &[]);
        assert_eq!((escape.text.as_str(), escape.before, escape.width), (r"a = \u{1b}[2J", 4, 6));
        // Inside a character, beyond the end, upside down.
        for span in [1..2, 900..901, Range { start: 3, end: 1 }] {
            let _ = excerpt("\u{1f43b}", span, &[]);
        }
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("{}HERE{}", "a".repeat(500), "b".repeat(500));
        let excerpt = excerpt(&text, 500..504, &[]);
        assert_eq!((excerpt.column, excerpt.width), (501, 4));
        assert!(excerpt.text.len() < 130 && excerpt.text[excerpt.before..].starts_with("HERE"), "{}", excerpt.text);
    }
}
