//! What becomes of a request that was let through: it arrives whole, its answer comes back whole or visibly broken, and
//! an upstream that is away, slow or half dead costs its own callers alone.

use crate::support::{
    Connection, Echo, Gateway, Reply, Request, SOON, ScriptedIssuer, Server, eventually, free_port, write_secret,
};
use aws_lc_rs::digest::{SHA256, digest};
use std::{
    io::{BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

const MEGABYTE: usize = 1 << 20;

#[test]
fn an_upstream_that_is_not_there_is_502() {
    let gateway = open_to(&[&format!("127.0.0.1:{}", free_port())], "");
    for method in ["GET", "POST", "DELETE"] {
        let answer = Request::new(method, &format!("{}/x", gateway.url())).body("body").send();
        assert_eq!((answer.status, answer.json()["reason"].as_str()), (502, Some("upstream_unreachable")), "{method}");
    }
    // It comes back.
    let port = free_port();
    let gateway = open_to(&[&format!("127.0.0.1:{port}")], "");
    assert_eq!(gateway.get("/x").send().status, 502);
    let _upstream = Server::start_on(port, |_| Reply::status(200));
    eventually("the upstream is back", SOON, || gateway.get("/x").send().status == 200);
}

#[test]
fn an_upstream_that_is_slow_is_504_and_nobody_elses_problem() {
    let upstream = Server::start(|request| match request.path() {
        "/silent" => Reply::silence(),
        "/late" => Reply::status(200).after(Duration::from_secs(2)),
        _ => Reply::status(200),
    });
    let gateway = open_to(&[&upstream.address()], "read_timeout = \"400ms\"");
    for path in ["/silent", "/late"] {
        let begun = Instant::now();
        let answer = gateway.get(path).send();
        assert_eq!((answer.status, answer.json()["reason"].as_str()), (504, Some("upstream_timeout")), "{path}");
        assert!(begun.elapsed() >= Duration::from_millis(400), "{path}: {:?}", begun.elapsed());
        assert_eq!(gateway.get("/x").send().status, 200);
    }
    assert_eq!(upstream.hits("/silent") + upstream.hits("/late"), 2, "a slow request was sent again");
}

#[test]
fn an_upstream_that_dies_before_its_answer_is_502_and_not_asked_again() {
    let upstream = Server::start(|request| match request.path() {
        "/hang-up" => Reply::hang_up(),
        "/half" => Reply::raw("HTTP/1.1 200 OK\r\nContent-Le"),
        "/status" => Reply::raw("HTTP/1.1 200"),
        "/nonsense" => Reply::raw("this is no HTTP at all\r\n\r\n"),
        "/header" => Reply::raw("HTTP/1.1 200 OK\r\nno header line\r\n\r\n"),
        "/length" => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
        _ => Reply::status(200),
    });
    let gateway = open_to(&[&upstream.address()], "read_timeout = \"2s\"");
    for path in ["/hang-up", "/half", "/status", "/nonsense", "/header", "/length"] {
        for method in ["GET", "POST"] {
            let answer = Request::new(method, &format!("{}{path}", gateway.url())).send();
            assert_eq!(answer.status, 502, "{method} {path}: {}", answer.text());
        }
        assert_eq!(upstream.hits(path), 2, "{path}: a request was sent again");
    }
    assert_eq!(gateway.get("/x").send().status, 200);
}

#[test]
fn an_answer_that_breaks_off_never_looks_complete() {
    let upstream = Server::start(|request| match request.path() {
        "/length" => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it"),
        "/chunk" => Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf of it"),
        "/between" => Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhalf of it\r\n"),
        "/end" => Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhalf of it\r\n0\r\n"),
        "/size" => Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhalf of it\r\nzz\r\n"),
        "/slow" => Reply::drip("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it", Duration::from_millis(2)),
        _ => Reply::raw("HTTP/1.1 200 OK\r\n\r\nas long as the connection"),
    });
    let gateway = open_to(&[&upstream.address()], "read_timeout = \"2s\"");
    for path in ["/length", "/chunk", "/between", "/end", "/size", "/slow"] {
        for version in ["HTTP/1.1", "HTTP/1.0"] {
            let mut connection = Connection::open(gateway.address());
            connection.send_raw(format!("GET {path} {version}\r\nHost: api\r\n\r\n").as_bytes()).unwrap();
            let answer = connection.read_response("GET");
            let complete = answer.as_ref().is_ok_and(|answer| answer.status == 200);
            // HTTP/1.0 has no chunks, and so no way to say that a body without a length is not complete.
            let told = version == "HTTP/1.1" || ["/length", "/slow"].contains(&path);
            assert!(!complete || !told, "{path} {version}: half an answer passed for a whole one: {answer:?}");
        }
    }
    // What ends with the upstream's connection is complete, and said to be.
    for _ in 0..2 {
        let answer = gateway.get("/close").send();
        assert_eq!((answer.status, &*answer.text()), (200, "as long as the connection"));
        assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
    }
}

#[test]
fn an_upstream_that_falls_silent_in_its_answer_breaks_it_off() {
    let (upstream, _) = raw_server(|mut stream, _| {
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n").unwrap();
        let _ = stream.read(&mut [0]); // until the gateway closes
    });
    let gateway = open_to(&[&upstream], "read_timeout = \"300ms\"");
    let mut connection = Connection::open(gateway.address());
    connection.send_raw(b"GET /x HTTP/1.1\r\nHost: api\r\n\r\n").unwrap();
    let bytes = String::from_utf8(connection.read_to_end()).unwrap();
    assert!(bytes.starts_with("HTTP/1.1 200 ") && bytes.contains("half") && !bytes.ends_with("0\r\n\r\n"), "{bytes}");
}

#[test]
fn large_bodies_arrive_whole_both_ways() {
    let upstream = Server::start(|request| {
        let body = noise(20 * MEGABYTE, 1);
        match request.path() {
            "/length" => Reply::status(200).body(body),
            "/chunked" => {
                let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
                Reply::raw([head, chunks(&body)].concat())
            }
            "/close" => Reply::raw([b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), body].concat()),
            _ => Reply::status(200).body(hash(&request.body)),
        }
    });
    let gateway = open_to(&[&upstream.address()], "");
    let url = gateway.url();
    for path in ["/length", "/chunked", "/close"] {
        let answer = gateway.get(path).send();
        assert_eq!((answer.status, answer.body.len()), (200, 20 * MEGABYTE), "{path}");
        assert_eq!(hash(&answer.body), hash(&noise(20 * MEGABYTE, 1)), "{path}");
    }
    let body = noise(20 * MEGABYTE, 2);
    let with_length = Request::post(&format!("{url}/upload")).body(&*body).send();
    assert_eq!((with_length.status, &with_length.body), (200, &hash(&body)));
    let chunked = Request::post(&format!("{url}/upload")).header("Transfer-Encoding", "chunked").body(chunks(&body));
    let chunked = chunked.send();
    assert_eq!((chunked.status, &chunked.body), (200, &hash(&body)));
}

#[test]
fn bodies_stream_both_ways_at_once() {
    // Each chunk is answered before the next one is sent, so whoever waited for the end would wait for ever.
    let (upstream, _) = raw_server(|mut stream, _| {
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        loop {
            let chunk = read_chunk(&mut stream);
            stream.get_mut().write_all(format!("{:x}\r\n{chunk}\r\n", chunk.len()).as_bytes()).unwrap();
            if chunk.is_empty() {
                return;
            }
        }
    });
    let gateway = open_to(&[&upstream], "");
    let stream = TcpStream::connect(gateway.address()).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(b"POST /x HTTP/1.1\r\nHost: api\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    let head = read_head(&mut stream);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    for at in 0..20 {
        let text = format!("chunk {at}");
        stream.get_mut().write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).unwrap();
        let mut answer = String::new();
        while answer.len() < text.len() {
            answer += &read_chunk(&mut stream);
        }
        assert_eq!(answer, text);
    }
    stream.get_mut().write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(read_chunk(&mut stream), "");
}

#[test]
fn connections_are_kept_on_both_sides() {
    let upstream = Echo::start();
    let gateway = open_to(&[&upstream.address()], "");
    let mut connection = Connection::open(gateway.address());
    for at in 0..20 {
        let request = Request::post(&format!("{}/{at}", gateway.url())).body(format!("body {at}"));
        connection.send_raw(&request.bytes()).unwrap();
        let answer = connection.read_response("POST").unwrap();
        assert_eq!((answer.status, answer.json()["target"].as_str()), (200, Some(&*format!("/{at}"))));
        assert_eq!(answer.json()["body"], format!("body {at}"));
    }
    assert_eq!(upstream.connections(), 1, "20 requests on one connection of the client's");
    // Others use what the first has opened.
    for _ in 0..20 {
        assert_eq!(gateway.get("/x").send().status, 200);
    }
    assert!(upstream.connections() <= 3, "{} connections for 40 requests in a row", upstream.connections());
    // Refusals in between do not end the client's connection either.
    let issuer = ScriptedIssuer::start();
    let guarded = Gateway::start(&format!("{}{}", issuer.table(""), all_to(&[&upstream.address()], "", ""))).ready();
    let mut connection = Connection::open(guarded.address());
    for _ in 0..5 {
        connection.send_raw(&guarded.get("/x").bytes()).unwrap();
        assert_eq!(connection.read_response("GET").unwrap().status, 401);
        connection.send_raw(&guarded.get("/x").bearer(&issuer.token()).bytes()).unwrap();
        assert_eq!(connection.read_response("GET").unwrap().status, 200);
    }
}

#[test]
fn an_idle_connection_that_the_upstream_closed_costs_no_safe_request() {
    // Answers one request on each connection and then closes it, though it said nothing of the kind.
    let (upstream, connections) = raw_server(|mut stream, _| {
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
    });
    let gateway = open_to(&[&upstream], "");
    for at in 1..=30 {
        let answer = gateway.get("/x").send();
        assert_eq!((answer.status, &*answer.text()), (200, "ok"), "request {at}");
    }
    assert!(connections.load(Ordering::SeqCst) >= 30);
}

#[test]
fn a_connection_that_dies_as_it_is_used_again_is_replaced_for_safe_requests_alone() {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let (upstream, _) = raw_server({
        let heads = Arc::clone(&heads);
        move |mut stream, head| {
            heads.lock().unwrap().push(head);
            stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
            // The next request on it is read and not answered.
            let head = read_head(&mut stream);
            heads.lock().unwrap().push(head);
        }
    });
    // One thread, because each keeps the connections that it has opened.
    let gateway = Gateway::start(&format!("[server]\nthreads = 1\n{}", open_config(&[&upstream], "")));
    let mut asked = 0;
    let mut ask = |method: &str, body: &str| {
        let status = Request::new(method, &format!("{}/x", gateway.url())).body(body).send().status;
        // The access line comes when the connection is back among the idle ones.
        asked += 1;
        let lines = || gateway.logs().lines().filter(|line| line.contains("bearward::access")).count();
        eventually("the request is done with", SOON, || lines() == asked);
        status
    };
    // From the second on, each comes to a connection that dies under it, and is sent again on a new one.
    for at in 1..=5 {
        assert_eq!(ask("GET", ""), 200, "request {at}");
    }
    assert_eq!(heads.lock().unwrap().len(), 9);
    // It may have been carried out, so only the caller can know whether to send it again.
    assert_eq!(ask("POST", "order"), 502);
    let heads = heads.lock().unwrap();
    assert_eq!(heads.iter().filter(|head| head.starts_with("POST")).count(), 1, "{heads:?}");
}

#[test]
fn several_servers_take_turns_and_stand_in_for_each_other() {
    let ports = [free_port(), free_port()];
    let server = |at: usize| Server::start_on(ports[at], move |_| Reply::status(200).body(at.to_string()));
    let (first, second) = (server(0), server(1));
    let addresses = ports.map(|port| format!("127.0.0.1:{port}"));
    let gateway = open_to(&addresses.each_ref().map(String::as_str), "");
    let ask = |method: &str| {
        let answer = Request::new(method, &format!("{}/x", gateway.url())).send();
        assert_eq!(answer.status, 200, "{method}: {}", answer.text());
        answer.text()
    };
    let answers: Vec<String> = (0..10).map(|_| ask("GET")).collect();
    assert_eq!(answers.iter().filter(|server| *server == "0").count(), 5, "{answers:?}");

    drop(first);
    // Nothing had been sent where the connection was refused, so any method may go elsewhere.
    for method in ["GET", "POST", "DELETE", "PATCH", "GET", "POST"].into_iter().cycle().take(12) {
        assert_eq!(ask(method), "1");
    }
    let _first = server(0);
    eventually("the first server is in use again", SOON, || ask("GET") == "0");
    drop(second);
    for _ in 0..6 {
        assert_eq!(ask("POST"), "0");
    }
}

#[test]
fn answers_without_a_body_have_none_and_the_connection_goes_on() {
    let upstream = Server::start(|request| match request.path() {
        "/204" => Reply::status(204).header("X-Mine", "1"),
        "/304" => Reply::status(304).header("ETag", "\"v1\"").header("Content-Length", "1234"),
        _ => Reply::status(200).header("X-Mine", "1").body("twelve bytes"),
    });
    let gateway = open_to(&[&upstream.address()], "");
    let mut connection = Connection::open(gateway.address());
    let mut ask = |method: &str, path: &str| {
        connection.send_raw(format!("{method} {path} HTTP/1.1\r\nHost: api\r\n\r\n").as_bytes()).unwrap();
        connection.read_response(method).unwrap()
    };
    for _ in 0..3 {
        let head = ask("HEAD", "/200");
        assert_eq!((head.status, head.header("content-length"), head.header("x-mine")), (200, Some("12"), Some("1")));
        let gone = ask("GET", "/204");
        assert_eq!((gone.status, gone.header("transfer-encoding"), gone.header("x-mine")), (204, None, Some("1")));
        assert!(matches!(gone.header("content-length"), None | Some("0")), "{gone:?}");
        let unchanged = ask("GET", "/304");
        assert_eq!((unchanged.status, unchanged.header("etag")), (304, Some("\"v1\"")));
        assert_eq!(unchanged.header("transfer-encoding"), None);
        assert_eq!(ask("HEAD", "/304").status, 304);
        assert_eq!(ask("HEAD", "/204").status, 204);
        let whole = ask("GET", "/200");
        assert_eq!((whole.status, &*whole.text()), (200, "twelve bytes"));
    }
    // The upstream was asked with the method that came.
    assert_eq!(upstream.requests().iter().filter(|request| request.method == "HEAD").count(), 9);
}

#[test]
fn who_waits_for_100_continue_gets_it_from_the_upstream_and_only_when_let_through() {
    let (upstream, connections) = raw_server(|mut stream, head| {
        assert!(head.to_ascii_lowercase().contains("expect: 100-continue"), "{head}");
        stream.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        let mut body = [0; 4];
        stream.read_exact(&mut body).unwrap();
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n").unwrap();
        stream.get_mut().write_all(&body).unwrap();
    });
    let issuer = ScriptedIssuer::start();
    let gateway = Gateway::start(&format!("{}{}", issuer.table(""), all_to(&[&upstream], "", ""))).ready();
    let ask = |authorization: &str| {
        let stream = TcpStream::connect(gateway.address()).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let mut stream = BufReader::new(stream);
        let head = "POST /x HTTP/1.1\r\nHost: api\r\nContent-Length: 4\r\nExpect: 100-continue\r\n";
        stream.get_mut().write_all(format!("{head}{authorization}\r\n").as_bytes()).unwrap();
        let head = read_head(&mut stream);
        (stream, head)
    };
    let (_stream, head) = ask("");
    assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
    assert_eq!(connections.load(Ordering::SeqCst), 0);

    let (mut stream, head) = ask(&format!("Authorization: Bearer {}\r\n", issuer.token()));
    assert!(head.starts_with("HTTP/1.1 100 "), "{head}");
    stream.get_mut().write_all(b"body").unwrap();
    let head = read_head(&mut stream);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let mut body = [0; 4];
    stream.read_exact(&mut body).unwrap();
    assert_eq!(&body, b"body");
}

/// A gateway with one open route to these servers.
#[test]
fn credentials_that_cannot_be_sent_leave_the_last_good_ones() {
    let (echo, folder) = (Echo::start(), tempfile::tempdir().unwrap());
    let own = write_secret(folder.path(), "authorization", "Basic Zmlyc3Q=\n");
    let settings = format!("authorization = \"replace\"\nauthorization_file = \"{}\"", own.display());
    let gateway = open_to(&[&echo.address()], &settings);
    let sent = || {
        let answer = gateway.get("/x").send();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.echoed("authorization")
    };
    assert_eq!(sent().as_deref(), Some("Basic Zmlyc3Q="));
    // Half of something else, as a copy that is under way may leave for a while.
    write_secret(folder.path(), "authorization", "Basic c2Vjb25k\nX-Admin: hunter2\n");
    eventually("the log tells of it", SOON, || {
        assert_eq!(sent().as_deref(), Some("Basic Zmlyc3Q="));
        gateway.logs().contains("cannot be used; the last good one stays in use")
    });
    assert!(!gateway.logs().contains("hunter2"), "{}", gateway.logs());
    write_secret(folder.path(), "authorization", "Basic c2Vjb25k\n");
    eventually("the new ones are sent", SOON, || sent().as_deref() == Some("Basic c2Vjb25k"));
}

fn open_to(servers: &[&str], settings: &str) -> Gateway {
    Gateway::start(&open_config(servers, settings))
}

fn open_config(servers: &[&str], settings: &str) -> String {
    // An issuer is needed and never asked for anything.
    let issuer = format!("[[issuers]]\nissuer = \"http://127.0.0.1:{}\"\naudiences = [\"a\"]\n", free_port());
    format!("{issuer}{}", all_to(servers, settings, "open = true"))
}

fn all_to(servers: &[&str], settings: &str, route: &str) -> String {
    format!(
        "[[upstreams]]\nname = \"all\"\nservers = {servers:?}\n{settings}\n\
         [[routes]]\npath = \"/*\"\nupstream = \"all\"\n{route}\n"
    )
}

/// A server that hands each connection, once a request's head was read from it, to `serve`, and closes it afterwards.
/// Gives its address and the count of its requests. It ends with the test.
fn raw_server(serve: impl Fn(BufReader<TcpStream>, String) + Send + Sync + 'static) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (count, serve) = (Arc::new(AtomicUsize::new(0)), Arc::new(serve));
    std::thread::spawn({
        let count = Arc::clone(&count);
        move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (count, serve) = (Arc::clone(&count), Arc::clone(&serve));
                std::thread::spawn(move || {
                    stream.set_nodelay(true).unwrap();
                    let mut stream = BufReader::new(stream);
                    let head = read_head(&mut stream);
                    if !head.is_empty() {
                        count.fetch_add(1, Ordering::SeqCst);
                        serve(stream, head);
                    }
                });
            }
        }
    });
    (address, count)
}

/// Everything up to the empty line, and that.
fn read_head(stream: &mut impl std::io::BufRead) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).is_ok_and(|count| count > 0) {}
    head
}

/// The next chunk; the last one is empty.
fn read_chunk(stream: &mut impl std::io::BufRead) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    let size = usize::from_str_radix(line.trim_end(), 16).unwrap_or_else(|_| panic!("no chunk size: {line:?}"));
    let mut chunk = vec![0; size + 2];
    stream.read_exact(&mut chunk).unwrap();
    chunk.truncate(size);
    String::from_utf8(chunk).unwrap()
}

/// A body as chunks of many sizes.
fn chunks(body: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(body.len() + body.len() / 1000);
    let (mut rest, mut size) = (body, 1);
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(size.min(rest.len()));
        encoded.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
        encoded.extend(chunk);
        encoded.extend(b"\r\n");
        rest = after;
        size = (size * 3 + 1) % 100_003;
    }
    encoded.extend(b"0\r\n\r\n");
    encoded
}

/// Bytes without a pattern that a lost or repeated block could hide in.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).take(length / 8).flatten().collect()
}

fn hash(body: &[u8]) -> Vec<u8> {
    digest(&SHA256, body).as_ref().to_vec()
}
