//! Connections of clients are bounded: whoever holds them all keeps nobody from knowing that the gateway lives.

use crate::support::{Connection, Echo, Gateway, Request, SOON, eventually, minimal_config};
use std::{
    io::Write as _,
    net::TcpStream,
    process::Command,
    time::{Duration, Instant},
};

#[test]
fn silent_connections_do_not_take_the_process_down() {
    let echo = Echo::start();
    let open = "[[routes]]\npath = \"/open\"\nupstream = \"orders\"\nopen = true\n";
    let config = format!("{}{open}", minimal_config("http://127.0.0.1:1", &echo.address()));
    let mut gateway = Gateway::start_with(&config, |command| *command = limited(command, "-n 80"));
    let told =
        gateway.process().wait_for_line("that fewer connections are taken", |line| line.contains("it is lowered"));
    assert!(told.contains("configured=10000 max_connections=15 "), "{told}");

    let silent: Vec<_> = (0..80).map(|_| TcpStream::connect(gateway.address()).unwrap()).collect();
    eventually("all places are taken", SOON, || connections(&gateway) == 15.0);
    assert!(gateway.metrics().sum("bearward_http_connection_waits_total", &[]) > 0.0);
    assert!(gateway.metrics().sum("process_open_fds", &[]) < 60.0, "{}", gateway.metrics().0);
    for _ in 0..10 {
        let livez = Request::get(&format!("{}/livez", gateway.admin())).send();
        assert_eq!((livez.status, livez.text().as_str()), (200, "ok\n"));
    }
    // Whoever comes now waits, and is served when the others are gone.
    let get = gateway.get("/open");
    let waiting = std::thread::spawn(move || get.send().status);
    drop(silent);
    assert_eq!(waiting.join().unwrap(), 200);
    assert_eq!(gateway.get("/open").send().status, 200);
    eventually("no place is taken", SOON, || connections(&gateway) == 0.0);
    assert!(!gateway.logs().contains("os error 24"), "{}", gateway.logs());
}

#[test]
fn the_setting_bounds_them_and_a_shutdown_does_not_wait_for_them() {
    let echo = Echo::start();
    let config = format!("[server]\nmax_connections = 2\n{}", minimal_config("http://127.0.0.1:1", &echo.address()));
    let mut gateway = Gateway::start(&config);
    // Connections that are at rest would make room; with the head of a request under way they are not.
    let busy = |_| {
        let mut stream = TcpStream::connect(gateway.address()).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n").unwrap();
        stream
    };
    let _busy: Vec<_> = (0..5).map(busy).collect();
    eventually("both places are taken", SOON, || connections(&gateway) == 2.0);
    let answer = gateway.get("/nowhere").timeout(Duration::from_millis(300)).try_send();
    assert!(answer.is_err(), "there is no place for a third: {answer:?}");
    assert_eq!(gateway.stop().code(), Some(0), "{}", gateway.logs());
}

#[test]
fn the_soft_limit_is_no_limit() {
    let config = minimal_config("http://127.0.0.1:1", "127.0.0.1:1");
    let gateway = Gateway::start_with(&config, |command| *command = limited(command, "-n 100 && ulimit -S -n 80"));
    assert_eq!(gateway.metrics().sum("process_max_fds", &[]), 100.0);
}

#[test]
fn half_open_connections_do_not_take_the_admin_server_from_those_who_ask() {
    for ulimit in ["-n 1024", "-n 80"] {
        let echo = Echo::start();
        let open = "[[routes]]\npath = \"/open\"\nupstream = \"orders\"\nopen = true\n";
        let config = format!("{}{open}", minimal_config("http://127.0.0.1:1", &echo.address()));
        let gateway = Gateway::start_with(&config, |command| *command = limited(command, ulimit));
        let mut asks = Connection::open(&gateway.admin());
        let livez = format!("GET /livez HTTP/1.1\r\nHost: {}\r\n\r\n", gateway.admin()).into_bytes();
        let ask = |asks: &mut Connection| {
            asks.send_raw(&livez).unwrap();
            assert_eq!(asks.read_response("GET").unwrap().status, 200, "{ulimit}");
        };
        ask(&mut asks);
        let mut half_open: Vec<_> = (0..300)
            .map(|_| {
                let mut connection = Connection::open(&gateway.admin());
                connection.send_raw(b"GET /livez HTTP/1.1\r\n").unwrap();
                connection
            })
            .collect();
        for _ in 0..5 {
            let fresh = Request::get(&format!("{}/livez", gateway.admin())).timeout(Duration::from_secs(2)).send();
            assert_eq!(fresh.status, 200, "{ulimit}");
        }
        assert_eq!(gateway.get("/open").timeout(Duration::from_secs(2)).send().status, 200, "{ulimit}");
        // One that has asked is kept before those that have not.
        ask(&mut asks);
        let displaced = gateway.metrics().sum("bearward_admin_connections_displaced_total", &[]);
        assert!(displaced > 100.0, "{ulimit}: {displaced}");
        // And none of them waits for long.
        let begun = Instant::now();
        let last = half_open.last_mut().unwrap();
        last.set_timeout(Duration::from_secs(20));
        last.read_to_end();
        assert!(begun.elapsed() < Duration::from_secs(8), "{ulimit}: {:?}", begun.elapsed());
    }
}

fn connections(gateway: &Gateway) -> f64 {
    gateway.metrics().sum("bearward_http_connections", &[])
}

/// The same command, by a shell that lets it have few descriptors.
fn limited(command: &Command, ulimit: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("ulimit {ulimit} && exec \"$0\" \"$@\""));
    shell.arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    shell
}
