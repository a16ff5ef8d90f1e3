//! The page and the pictures that a run writes.

mod picture;
mod table;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::peers::Proxy;
use crate::peers::install::Installed;
use crate::result::Row;
use crate::{machine, tokens};

pub(crate) use table::line;

/// Between these a page holds what the last run has found; what stands around them is written by hand.
const BEGIN: &str = "<!-- bench/run writes from here -->";
const END: &str = "<!-- to here -->";

/// Writes the page, and the pictures into a folder beside it that is called as the page is.
pub(crate) fn write(page: &Path, rows: &[Row], about: &str) -> Result<()> {
    let pictures = page.with_extension("");
    fs::create_dir_all(&pictures)?;
    let name = pictures.file_name().and_then(|name| name.to_str()).context("the page has a name")?.to_owned();
    let mut found = format!("{about}\n{}", table::tables(rows));
    for (file, title, picture) in [
        ("ratios.svg", "CPU for a request against each peer, with quartiles and limits", picture::ratios(rows)),
        ("cpu.svg", "CPU for a request of both sides, with the kernel's share", picture::cpu(rows)),
        ("memory.svg", "Memory", picture::memory(rows)),
    ] {
        if let Some(picture) = picture {
            fs::write(pictures.join(file), picture)?;
            found.push_str(&format!("\n![{title}]({name}/{file})\n"));
        }
    }
    let before = fs::read_to_string(page).unwrap_or_else(|_| format!("{BEGIN}\n{END}\n"));
    let (head, rest) = before.split_once(BEGIN).context("the page has no place for what is found")?;
    let (_, tail) = rest.split_once(END).context("the page has no place for what is found")?;
    fs::write(page, format!("{head}{BEGIN}\n\n{found}\n{END}{tail}"))?;
    Ok(())
}

/// When, where and of what: lines above the tables.
pub(crate) fn about(installed: &Installed, proxies: &[Proxy], root: &Path) -> String {
    let git = |arguments: &[&str]| {
        let folder = root.display().to_string();
        machine::output("git", &[&["-C", folder.as_str()], arguments].concat()).unwrap_or_default()
    };
    let mut about = format!(
        "Measured on {} at commit {} on {}.\n\n",
        date(tokens::now()),
        git(&["describe", "--always", "--dirty", "--exclude=*"]),
        machine::describe()
    );
    for proxy in proxies {
        about.push_str(&format!("- {}: {}\n", proxy.name(), installed.version(*proxy)));
    }
    about
}

/// The day of a time in seconds since 1970.
fn date(seconds: u64) -> String {
    // Days since 0000-03-01, in eras of 400 years: the leap day is a year's last.
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day_of_month:02}", era * 400 + year + next)
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(1_709_164_800), "2024-02-29");
        assert_eq!(date(1_795_910_400), "2026-11-29");
    }
}
