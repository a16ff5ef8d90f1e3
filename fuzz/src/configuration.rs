//! The text of a configuration file.

use std::path::Path;

use bearward_config::{Config, Overrides, Problems, parse, report};

/// What the text is called in messages. It lies in a folder that does not exist: a text that names files finds none.
const NAME: &str = "/nonexistent/fuzz.toml";

/// The input is the text of a configuration file.
///
/// It is read, or what is wrong is told with a position that is in the text. Nothing that is told has control characters
/// in it. The same text is read in the same way twice, and comments mean nothing.
pub fn configuration(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    // Paths that leave the folder would make the answer depend on the machine.
    if text.contains("_file") {
        return false;
    }
    let read = read(text);
    let told = match &read {
        Ok(config) => report(config),
        Err(problems) => problems.to_string(),
    };
    assert!(told.chars().all(|c| c == '\n' || !c.is_control()), "a control character is told: {told:?}");
    match &read {
        Ok(config) => {
            assert!(
                config.gate.issuers.iter().all(|issuer| !issuer.audiences.is_empty()),
                "an issuer without audience"
            );
            assert!(!config.proxy.listen.is_empty() && !config.gate.routes.is_empty());
            config.warnings.iter().for_each(|warning| is_in(text, &warning.to_string()));
            let commented = self::read(&format!("{text}\n# after\n"));
            assert!(commented.is_ok_and(|commented| commented.warnings.len() == config.warnings.len()));
        }
        Err(problems) => {
            assert!(told.ends_with(|c: char| c.is_ascii_alphabetic()), "no count: {told:?}");
            told.split("\n\n").filter(|problem| problem.starts_with(NAME)).for_each(|problem| is_in(text, problem));
            assert_eq!(self::read(text).as_ref().map_err(ToString::to_string).err(), Some(problems.to_string()));
        }
    }
    read.is_ok()
}

fn read(text: &str) -> Result<Config, Problems> {
    parse(text, Path::new(NAME), &Overrides::default(), [])
}

/// `NAME:LINE:COLUMN: ...`, or `NAME: ...` of the file as a whole; lines and columns are counted from 1, and a column may
/// be the end of the line.
fn is_in(text: &str, problem: &str) {
    let position = problem.strip_prefix(NAME).expect("the name comes first");
    let Some(position) = position.strip_prefix(':').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    else {
        return;
    };
    let mut numbers = position.split(':').map(|number| number.parse::<usize>().expect("a number"));
    let (line, column) = (numbers.next().expect("a line"), numbers.next().expect("a column"));
    let there = text.split('\n').nth(line - 1).expect("a line of the text");
    assert!((1..=there.chars().count() + 1).contains(&column), "{line}:{column} is not in the text");
}
