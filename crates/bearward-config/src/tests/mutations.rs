//! Whatever stands in the file, it is told or used; nothing ends the process.

use proptest::prelude::*;

use super::*;

const EXAMPLE: &str = include_str!("../../../../config.example.toml");

/// Texts that find their way into configurations.
const PIECES: &[&str] = &[
    "",
    "\"",
    "'''",
    "\"\"\"",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "\n",
    "\r",
    "\t",
    "\0",
    "#",
    "\u{1f43b}",
    "\u{202e}",
    "0",
    "-1",
    "1e400",
    "nan",
    "true",
    "1979-05-27T07:32:00Z",
    "9223372036854775807",
    "\"0s\"",
    "\"1d\"",
    "[[issuers]]\n",
    "[routes]\n",
    "[server]\n",
    "issuer = \"\"\n",
    "path = \"/{}\"\n",
    "client_secret = \"hunter2\"\n",
    "open = true\n",
    "listen = []\n",
    "a.b.c = 1\n",
    "{ x = { y = [1, { z = 2 }] } }",
];

/// Cuts a text somewhere, and puts something else there.
fn mutate(text: &str, cuts: &[(usize, usize, usize)]) -> String {
    let mut text = text.to_owned();
    for (at, length, piece) in cuts {
        let from = text.floor_char_boundary(at % (text.len() + 1));
        let to = text.ceil_char_boundary((from + length).min(text.len()));
        text.replace_range(from..to, PIECES[piece % PIECES.len()]);
    }
    text
}

fn survives(text: &str) {
    let told = match read(text) {
        Ok(config) => crate::report(&config),
        Err(problems) => {
            let told = problems.to_string();
            assert!(told.starts_with("config.toml"), "{told}");
            assert!(told.contains("error"), "{told}");
            told
        }
    };
    assert!(told.chars().all(|c| c == '\n' || !c.is_control()), "{told:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn of_the_example(cuts in prop::collection::vec((0..8_000_usize, 0..40_usize, 0..PIECES.len()), 1..6)) {
        survives(&mutate(EXAMPLE, &cuts));
        survives(&mutate(&EXAMPLE.replace("\n#", "\n"), &cuts));
    }

    #[test]
    fn of_a_small_configuration(cuts in prop::collection::vec((0..400_usize, 0..20_usize, 0..PIECES.len()), 1..6)) {
        survives(&mutate(&with("[server]\nlisten = \"127.0.0.1:1\"\n"), &cuts));
    }

    #[test]
    fn of_nothing(text in "\\PC{0,60}") {
        survives(&text);
        survives(&format!("[server]\nlisten = \"{text}\""));
        survives(&format!("[[routes]]\npath = '''{text}'''\nhost = \"{text}\"\n\"{text}\" = 1"));
        survives(&format!("[[issuers]]\nissuer = '''https://{text}'''\nrefresh = {{ min = '''{text}''' }}"));
    }

    #[test]
    fn of_the_environment(name in "[A-Z_]{0,20}", value in "\\PC{0,20}") {
        let environment = [(format!("BEARWARD_{name}"), value.clone()), (format!("BEARWARD_SERVER__{name}"), value)];
        let read = parse(&with(""), Path::new("config.toml"), &Overrides::default(), environment);
        let _ = read.map_err(|told| told.to_string());
    }
}

#[test]
fn deep_nesting_is_told() {
    for text in ["[", "{a=", "[[a."] {
        survives(&format!("a = {}", text.repeat(100_000)));
    }
    survives(&format!("[{}]", vec!["a"; 100_000].join(".")));
}
