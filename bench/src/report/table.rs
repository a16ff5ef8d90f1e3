//! Markdown tables.

use crate::result::{Row, Unit};

/// All tables: what is demanded, what is compared beside that, both sides in detail, and the footprint of the others.
pub(crate) fn tables(rows: &[Row]) -> String {
    let (demanded, others): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.limits.is_some());
    let (compared, footprint): (Vec<&Row>, Vec<&Row>) =
        others.into_iter().partition(|row| matches!(row.unit, Unit::Ratio | Unit::Microseconds));
    let mut text = String::new();
    let mut add = |title: &str, head: &[&str], lines: Vec<Vec<String>>| {
        if !lines.is_empty() {
            text.push_str(&format!("\n### {title}\n\n| {} |\n|{}\n", head.join(" | "), " --- |".repeat(head.len())));
            lines.iter().for_each(|line| text.push_str(&format!("| {} |\n", line.join(" | "))));
        }
    };
    add(
        "What is demanded",
        &["", "Bearward", "found (quartiles)", "must", "aim", "", "n", "notes"],
        demanded.iter().map(|row| demand(row)).collect(),
    );
    add(
        "Other comparisons",
        &["", "Bearward", "found (quartiles)", "n", "notes"],
        compared.iter().map(|row| other(row)).collect(),
    );
    add(
        "Memory and start of the others",
        &["", "", "found (quartiles)", "n", "notes"],
        footprint.iter().map(|row| other(row)).collect(),
    );
    add(
        "Both sides in detail",
        &[
            "",
            "proxy",
            "CPU us/request",
            "of it kernel",
            "requests/s",
            "core used",
            "load side/proxy",
            "asked/request",
            "p50 us",
            "p99 us",
        ],
        rows.iter().flat_map(sides).collect(),
    );
    text
}

/// One row as a line on the terminal.
pub(crate) fn line(row: &Row) -> String {
    let limits = row.limits.map_or_else(String::new, |(must, aim)| {
        format!("  must {}, aim {}: {}", row.unit.show(must), row.unit.show(aim), row.verdict().show().replace('*', ""))
    });
    let notes = if row.notes.is_empty() { String::new() } else { format!("  ({})", row.notes.join("; ")) };
    format!("{:<19} {}: {}{limits}{notes}", row.id, row.what, found(row))
}

fn demand(row: &Row) -> Vec<String> {
    let (must, aim) = row.limits.unwrap_or_default();
    vec![
        row.id.clone(),
        row.what.trim_start_matches("Bearward: ").to_owned(),
        found(row),
        row.unit.show(must),
        row.unit.show(aim),
        row.verdict().show().to_owned(),
        row.count.to_string(),
        row.notes.join("; "),
    ]
}

fn other(row: &Row) -> Vec<String> {
    vec![row.id.clone(), row.what.clone(), found(row), row.count.to_string(), row.notes.join("; ")]
}

fn sides(row: &Row) -> Vec<Vec<String>> {
    let side = |(name, side): &(&str, crate::result::SideResult)| {
        let or_none = |value: f64, text: String| if value > 0.0 { text } else { String::new() };
        vec![
            row.id.clone(),
            (*name).to_owned(),
            format!("{:.1}", side.cpu),
            format!("{:.1}", side.system),
            format!("{:.0}", side.per_second),
            format!("{:.2}", side.busy),
            format!("{:.2}", side.load),
            or_none(side.asked, format!("{:.3}", side.asked)),
            or_none(side.p50, format!("{:.0}", side.p50)),
            or_none(side.p99, format!("{:.0}", side.p99)),
        ]
    };
    row.sides.iter().map(side).collect()
}

fn found(row: &Row) -> String {
    let Some(value) = row.value else { return "not measured".to_owned() };
    if row.count < 2 {
        return row.unit.show(value.median);
    }
    let plain = |value: f64| row.unit.show(value).split(' ').next().unwrap_or_default().to_owned();
    format!("{} ({} to {})", row.unit.show(value.median), plain(value.low), plain(value.high))
}
