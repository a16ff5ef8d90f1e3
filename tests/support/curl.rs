//! `curl` lines as the binary prints them for people, turned into requests. What is not understood here fails the test:
//! a line that nobody has tried is a line that may not work.

use super::Request;

/// Reads one line such as `curl -i -X POST http://127.0.0.1:8080/orders/1 -H 'Authorization: Bearer TOKEN'`.
pub fn request_of(line: &str) -> Request {
    let mut words = shell_words(line).into_iter();
    assert_eq!(words.next().as_deref(), Some("curl"), "not a curl line: {line}");
    let (mut url, mut method, mut headers, mut user, mut data) = (None, None, Vec::new(), None, None);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| panic!("{word} needs a value: {line}"));
        let earlier = match word.as_str() {
            "-i" => None, // shows more of the answer, and sends nothing else
            "-X" => method.replace(value()),
            "-u" => user.replace(value()),
            "-d" => data.replace(value()),
            "-H" => {
                headers.push(value());
                None
            }
            option if option.starts_with('-') => panic!("{option} is not understood: {line}"),
            _ => url.replace(word.clone()),
        };
        assert_eq!(earlier, None, "{word} stands there twice: {line}");
    }
    let url = url.unwrap_or_else(|| panic!("no URL: {line}"));
    let default = if data.is_some() { "POST" } else { "GET" };
    let mut request = Request::new(method.as_deref().unwrap_or(default), &url);
    for header in headers {
        let (name, value) = header.split_once(": ").unwrap_or_else(|| panic!("no header, {header}: {line}"));
        request = request.header(name, value);
    }
    if let Some(user) = user {
        let (id, secret) = user.split_once(':').unwrap_or_else(|| panic!("curl would ask for a password: {line}"));
        request = request.basic(id, secret);
    }
    match data {
        Some(data) => request.header("Content-Type", "application/x-www-form-urlencoded").body(data),
        None => request,
    }
}

/// The words that a shell would make of a line: whitespace separates, quotes hold together. What a shell would put
/// something else in place of is not understood.
fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('\''), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            (None, '&' | ';' | '|' | '<' | '>' | '(' | ')' | '*' | '?' | '[' | '#' | '~' | '!')
            | (_, '$' | '`' | '\\' | '\n') => panic!("a shell would not take {c:?} as it is: {line}"),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    assert_eq!(quote, None, "a quote is not closed: {line}");
    words.extend(word);
    words
}
