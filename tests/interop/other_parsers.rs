//! What the gateway forwards is one message to parsers that it has nothing in common with, PyPI `h11` and llhttp in Node.js: the
//! target, the fields and the body that it means, and behind it the next message. Their scripts stand in `tests/http-parsers`.

mod messages;
mod recording;

use self::messages::{Message, messages};
use self::recording::Recorder;
use crate::support::{Gateway, workspace};
use serde_json::{Value, json};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    process::{Command, Stdio},
    time::Duration,
};

/// What stands behind each message, so that one that is read too long or too short shows.
const NEXT: &[u8] = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn what_is_forwarded_is_one_message_to_other_parsers() {
    let (messages, recorded) = forwarded();
    assert!(messages.len() >= 300, "{} messages", messages.len());
    let python = workspace().join("target/authlib/bin/python");
    assert!(
        python.is_file(),
        "this test needs h11: python3 -m venv target/authlib && \
         target/authlib/bin/pip install --require-hashes -r tests/http-parsers/requirements.txt"
    );
    let readers = [
        ("h11", Command::new(python), "tests/http-parsers/h11_reader.py"),
        ("llhttp", Command::new("node"), "tests/http-parsers/llhttp_reader.mjs"),
    ];
    for (parser, mut command, script) in readers {
        let read = read_with(command.arg(workspace().join(script)), &recorded);
        assert_eq!(read.len(), messages.len(), "{parser}");
        for ((message, raw), read) in messages.iter().zip(&recorded).zip(&read) {
            let shown = String::from_utf8_lossy(&raw[..raw.len().min(2_000)]);
            assert_eq!(read, &json!({"requests": [expected(message, raw), next()]}), "{parser}: {shown}");
        }
    }
}

/// Sends every message to the binary: the messages, and what came of each at the upstream.
fn forwarded() -> (Vec<Message>, Vec<Vec<u8>>) {
    let upstream = Recorder::start();
    let route = "[[routes]]\npath = \"/open/*\"\nupstream = \"recorder\"\nopen = true\n";
    let gateway = Gateway::start(&format!(
        "[server]\n\n[[upstreams]]\nname = \"recorder\"\nservers = [\"{}\"]\n\n{route}",
        upstream.address()
    ));
    let messages = messages();
    let recorded = messages
        .iter()
        .map(|message| {
            let answer = ask(gateway.address(), &message.bytes);
            let shown = String::from_utf8_lossy(&message.bytes[..message.bytes.len().min(2_000)]);
            assert!(answer.contains(" 200 OK\r\n"), "{answer}\nto {shown}");
            let mut recorded = upstream.take();
            assert_eq!(recorded.len(), 1, "connections for {shown}");
            recorded.remove(0)
        })
        .collect();
    (messages, recorded)
}

fn ask(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4_096];
    // A refusal closes, and an answer has two bytes of content.
    while !answer.ends_with(b"\r\n\r\nok") {
        match stream.read(&mut buffer).unwrap() {
            0 => break,
            read => answer.extend_from_slice(&buffer[..read]),
        }
    }
    String::from_utf8(answer).unwrap()
}

/// The message as it must be read: its own target and body, and the fields that stand on the wire.
fn expected(message: &Message, raw: &[u8]) -> Value {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head: String = raw[..end].iter().map(|byte| char::from(*byte)).collect();
    let fields: Vec<_> = head
        .split("\r\n")
        .skip(1)
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| json!([name.to_ascii_lowercase(), value.trim_matches([' ', '\t'])]))
        .collect();
    json!({
        "method": message.method, "target": message.target, "fields": fields, "body": hexadecimal(&message.body), "whole": true,
    })
}

fn next() -> Value {
    json!({"method": "GET", "target": "/next", "fields": [["host", "a"]], "body": "", "whole": true})
}

/// What a script reads in each of these messages and the one behind it.
fn read_with(command: &mut Command, recorded: &[Vec<u8>]) -> Vec<Value> {
    let lines: String = recorded.iter().map(|raw| format!("{}{}\n", hexadecimal(raw), hexadecimal(NEXT))).collect();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the parser's language");
    let mut input = child.stdin.take().unwrap();
    let writing = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success(), "{command:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
