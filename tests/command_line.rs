//! Every command does what its help says, alone and together with the others, and ends with the code that it promises.

use crate::support::{
    Echo, Finished, Gateway, Process, Request, SOON, bearward, finish, free_port, minimal_config, request_of,
};
use std::net::TcpListener;

const COMMANDS: [&str; 6] = ["run", "check", "demo", "issuer", "token", "completions"];

#[test]
fn tokens_of_a_development_issuer_are_admitted_by_a_gateway_that_trusts_it() {
    let (issuer, echo) = (Issuer::start(), Echo::start());
    let gateway = Gateway::start_with(&introspecting(&issuer.url, &echo), |command| {
        command.env("GATEWAY_SECRET", "gateway-secret");
    })
    .ready();
    let get = |token: &Finished| {
        assert_eq!((token.code, token.stderr.as_str()), (Some(0), ""), "{}", token.output());
        assert_eq!(token.stdout.lines().count(), 1, "only the token is printed: {}", token.stdout);
        gateway.get("/orders/1").bearer(token.stdout.trim_end()).send()
    };

    for (format, dots, source) in [("self-contained", 2, "signature"), ("referential", 4, "introspection")] {
        let token = issuer.token(&["--format", format, "--subject", "bob", "--scope", "orders:read orders:write"]);
        assert_eq!(token.stdout.matches('.').count(), dots, "{}", token.stdout);
        let before = gateway.metrics().sum("bearward_decisions_total", &[("verdict", "admit"), ("source", source)]);
        let answer = get(&token);
        assert_eq!(answer.status, 200, "{format}: {}", answer.text());
        assert_eq!(answer.echoed("x-auth-subject").as_deref(), Some("bob"), "{format}");
        assert_eq!(answer.echoed("x-auth-issuer").as_deref(), Some(&*issuer.url), "{format}");
        assert_eq!(answer.echoed("x-auth-scope").as_deref(), Some("orders:read orders:write"), "{format}");
        let after = gateway.metrics().sum("bearward_decisions_total", &[("verdict", "admit"), ("source", source)]);
        assert_eq!(after - before, 1.0, "{format} is not judged by {source}");
    }
    assert_eq!(get(&issuer.token(&[])).status, 200, "the defaults are good for the example");
    for (arguments, status) in [
        (&["--scope", "orders:write"][..], 403),
        (&["--audience", "https://other.example.com"], 401),
        (&["--application", "other-app"], 401),
        (&["--lifetime", "-3600"], 401),
        (&["--lifetime", "-3600", "--format", "referential"], 401),
    ] {
        let answer = get(&issuer.token(arguments));
        assert_eq!(answer.status, status, "{arguments:?}: {}", answer.text());
    }
}

#[test]
fn a_gateway_refuses_the_tokens_of_an_issuer_that_it_does_not_know() {
    let (known, other, echo) = (Issuer::start(), Issuer::start(), Echo::start());
    let gateway = Gateway::start_with(&introspecting(&known.url, &echo), |command| {
        command.env("GATEWAY_SECRET", "gateway-secret");
    })
    .ready();
    for format in ["self-contained", "referential"] {
        let token = other.token(&["--format", format]);
        assert_eq!(gateway.get("/orders/1").bearer(token.stdout.trim_end()).send().status, 401, "{format}");
    }
    assert_eq!(echo.requests().len(), 0);
}

#[test]
fn what_the_issuer_prints_can_be_pasted() {
    let mut issuer = Issuer::start();
    let text = issuer.process.log();
    let curls: Vec<&str> = text.lines().map(str::trim).filter(|line| line.starts_with("curl ")).collect();
    assert_eq!((curls.len(), text.matches("curl").count()), (2, 2), "{text}");

    let granted = request_of(curls[0]).send();
    assert_eq!(granted.status, 200, "{}", granted.text());
    let token = granted.json()["access_token"].as_str().unwrap().to_owned();
    assert!(curls[1].contains("TOKEN"), "{text}");
    let meant = request_of(&curls[1].replace("TOKEN", &token)).send();
    assert_eq!((meant.status, &meant.json()["active"]), (200, &true.into()), "{}", meant.text());

    let command = text.lines().find_map(|line| line.trim().strip_prefix("bearward ")).expect("a token command");
    assert!(command.starts_with("token --issuer "), "{text}");
    let token = finish(bearward().args(command.split(' ')));
    assert_eq!(token.code, Some(0), "{}", token.output());

    issuer.process.signal("INT");
    assert_eq!(issuer.process.wait(SOON).code(), Some(0), "{}", issuer.process.log());
}

#[test]
fn the_issuer_takes_its_tenant_from_a_file_and_from_flags() {
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("apps.toml");
    let tenant =
        "[[applications]]\nclient_id = \"mine\"\nclient_secret = \"hidden\"\ngrant_types = [\"client_credentials\"]\n";
    std::fs::write(&file, tenant).unwrap();
    let (file, listen) = (file.to_str().unwrap(), format!("127.0.0.1:{}", free_port()));
    let person = "subject = \"carol\"";
    let issuer = Issuer::start_with(&[
        "--config",
        file,
        "--person",
        person,
        "--fault",
        "jwks=503",
        "--fault",
        "clock=-90s",
        "--listen",
        &listen,
    ]);
    let text = issuer.process.log();
    assert!(text.contains("mine") && text.contains("carol") && !text.contains("orders-app"), "{text}");
    assert!(text.contains("NOT FOR PRODUCTION") && !text.contains("hidden"), "{text}");
    assert_eq!(Request::get(&format!("{}/jwks", issuer.url)).send().status, 503);
    let of_its_own = finish(bearward().args(["token", "--issuer", &format!("{}/apps/mine", issuer.url)]));
    assert_eq!(of_its_own.code, Some(0), "{}", of_its_own.output());

    let beside = "client_id = \"a\", client_secret = \"hidden\", lifetime = \"1h\"";
    for (tenant, flags, part) in [
        (tenant.replace("client_id", "client"), &[][..], "unknown field"),
        (tenant.replace("client_credentials", "password"), &[], "line 4"),
        (tenant.replace("\"client_credentials\"", "\"refresh_token\""), &[], "refresh_token needs authorization_code"),
        (tenant.to_owned(), &["--application", "client_id = \"a\""], "--application"),
        (tenant.to_owned(), &["--person", "name = \"a\""], "--person"),
        (
            tenant.to_owned(),
            &["--person", "subject = \"a\", scopes = [\"b\"]"],
            "no resource server has the scope \"b\"",
        ),
        (tenant.to_owned(), &["--application", beside], "--application: line 1, column 55: invalid type"),
        (format!("algorithms = [\"EdDSA\", \"EdDSA\"]\n{tenant}"), &[], "each once"),
    ] {
        std::fs::write(file, tenant).unwrap();
        let refused = finish(bearward().args(["issuer", "--config", file, "--listen", &listen]).args(flags));
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(78), ""), "{}", refused.output());
        assert!(refused.stderr.contains(part) && !refused.stderr.contains("hidden"), "{}", refused.stderr);
    }
    let missing = finish(bearward().args(["issuer", "--config", "no/such/file.toml"]));
    assert_eq!(missing.code, Some(78), "{}", missing.output());
}

#[test]
fn the_issuer_stays_on_this_machine_unless_told_otherwise() {
    let port = free_port();
    for address in ["0.0.0.0", "[::]", "192.0.2.1"] {
        let refused = finish(bearward().args(["issuer", "--listen", &format!("{address}:{port}")]));
        assert_eq!(refused.code, Some(1), "{}", refused.output());
        assert_eq!((refused.stdout.as_str(), refused.stderr.lines().count()), ("", 1), "{}", refused.output());
        assert!(refused.stderr.contains("--allow-non-loopback"), "{}", refused.stderr);
        assert!(TcpListener::bind(("127.0.0.1", port)).is_ok(), "it listens all the same");
    }
    let url = format!("http://127.0.0.1:{port}");
    let listen = format!("0.0.0.0:{port}");
    let arguments = ["--listen", &listen, "--allow-non-loopback"];
    let nameless = finish(bearward().arg("issuer").args(arguments));
    assert_eq!(nameless.code, Some(1), "{}", nameless.output());
    assert!(nameless.stderr.contains("--url"), "{}", nameless.stderr);
    let issuer = Issuer::start_with(&[&arguments[..], &["--url", &url]].concat());
    assert_eq!(issuer.url, url);
    assert_eq!(issuer.token(&[]).code, Some(0));
}

#[test]
fn an_issuer_whose_address_is_taken_says_so() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = finish(bearward().args(["issuer", "--listen", &address]));
    assert_eq!((ended.code, ended.stderr.lines().count()), (Some(69), 1), "{}", ended.output());
    assert!(ended.stderr.contains(&address), "{}", ended.stderr);
}

#[test]
fn a_token_that_cannot_be_had_is_explained() {
    let issuer = Issuer::start();
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let echo = Echo::start();
    let token = |arguments: &[&str]| finish(bearward().arg("token").args(arguments));
    for (ended, code, part) in [
        (token(&["--issuer", &nobody]), 69, "bearward issuer"),
        (token(&["--issuer", "https://127.0.0.1:1"]), 69, "http://"),
        (token(&["--issuer", &echo.url()]), 1, "no development issuer"),
        (issuer.token(&["--application", "nobody"]), 1, "nobody"),
    ] {
        assert_eq!(ended.code, Some(code), "{}", ended.output());
        assert_eq!((ended.stdout.as_str(), ended.stderr.lines().count()), ("", 1), "{}", ended.output());
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = finish(bearward().args(["completions", shell]));
        assert_eq!((script.code, script.stderr.as_str()), (Some(0), ""), "{shell}");
        for word in COMMANDS.into_iter().chain(["config", "write-config", "allow-non-loopback", "self-contained"]) {
            assert!(script.stdout.contains(word), "{shell}: {word} is missing");
        }
    }
}

#[test]
fn help_is_there_for_every_command() {
    let general = finish(bearward().arg("--help"));
    assert_eq!((general.code, general.stderr.as_str()), (Some(0), ""));
    for command in COMMANDS {
        assert!(general.stdout.contains(&format!("\n  {command} ")), "{command} is not listed:\n{}", general.stdout);
        for arguments in [[command, "--help"], ["help", command]] {
            let help = finish(bearward().args(arguments));
            assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""), "{arguments:?}");
            assert!(help.stdout.contains(&format!("Usage: bearward {command}")), "{}", help.stdout);
        }
    }
    let listed =
        general.stdout.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    assert_eq!(listed.count(), COMMANDS.len() + 1, "a command is not tested here: {}", general.stdout);
    let version = finish(bearward().arg("--version"));
    assert_eq!(
        (version.code, version.stdout.as_str()),
        (Some(0), concat!("bearward ", env!("CARGO_PKG_VERSION"), "\n"))
    );
}

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in [
        &[][..],
        &["serve"],
        &["run"],
        &["check"],
        &["run", "--config"],
        &["run", "--config", "a.toml", "--listen", "8080"],
        &["run", "--config", "a.toml", "--log-format", "xml"],
        &["check", "--config", "a.toml", "--listen", "127.0.0.1:8080"],
        &["demo", "--try", "--write-config", "a.toml"],
        &["demo", "--port", "65536"],
        &["issuer", "--listen", "localhost"],
        &["issuer", "--fault", "jwks=200"],
        &["token", "--format", "jwt"],
        &["token", "--lifetime", "soon"],
        &["completions", "csh"],
        &["--config", "a.toml"],
    ] {
        let ended = finish(bearward().args(arguments));
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.output());
        assert_eq!(ended.stdout, "", "{arguments:?}");
        assert!(ended.stderr.contains("Usage") || ended.stderr.contains("--help"), "{arguments:?}: {}", ended.stderr);
    }
}

/// `bearward issuer` on a port of its own.
struct Issuer {
    process: Process,
    url: String,
}

impl Issuer {
    fn start() -> Self {
        Self::start_with(&["--listen", &format!("127.0.0.1:{}", free_port())])
    }

    fn start_with(arguments: &[&str]) -> Self {
        let mut process = Process::spawn("issuer", bearward().arg("issuer").args(arguments));
        process.wait_for_line("the end of its text", |line| line.starts_with("Ctrl-C ends"));
        let text = process.log();
        let url = text.split_once("Development issuer at ").and_then(|(_, rest)| rest.split_once(". "));
        let url = url.unwrap_or_else(|| panic!("no URL: {text}")).0.to_owned();
        Self { process, url }
    }

    /// `bearward token`, asking this issuer.
    fn token(&self, arguments: &[&str]) -> Finished {
        finish(bearward().args(["token", "--issuer", &self.url]).args(arguments))
    }
}

/// A gateway that takes both kinds of token from this issuer; its secret is in `GATEWAY_SECRET`.
fn introspecting(issuer: &str, echo: &Echo) -> String {
    let introspection = "[issuers.introspection]\nclient_id = \"gateway\"\nclient_secret_env = \"GATEWAY_SECRET\"\n";
    minimal_config(issuer, &echo.address()).replace("[[upstreams]]", &format!("{introspection}\n[[upstreams]]"))
}
