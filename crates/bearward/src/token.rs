//! `bearward token`: one access token from a running development issuer.

use anyhow::{anyhow, bail};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, Response, header};
use serde_json::{Map, Value};

use crate::cli::{TokenArgs, TokenFormat};
use crate::exit::{Exit, OrStop, Outcome};
use crate::run::runtime;
use crate::{http, output};

/// Asks for the token and prints it, and nothing else.
pub(crate) fn run(args: &TokenArgs) -> Outcome {
    let url = format!("{}/dev/token", args.issuer.trim_end_matches('/'));
    let request = Request::post(&url)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::from(Value::Object(description(args)).to_string()))
        .map_err(|_| anyhow!("{} is no URL; write http://host:port", args.issuer))?;
    let answer = runtime()?
        .block_on(http::send(request))
        .map_err(|error| anyhow!("{error:#}; start an issuer with `bearward issuer`, or name one with --issuer"))
        .or_stop(Exit::Unavailable)?;
    output::out(&format!("{}\n", token(&answer.response)?))?;
    Ok(Exit::Success)
}

/// What is asked for; what is left out, the issuer decides.
fn description(args: &TokenArgs) -> Map<String, Value> {
    let format = args.format.map(|format| match format {
        TokenFormat::SelfContained => "self-contained",
        TokenFormat::Referential => "referential",
    });
    let members = [
        ("application", args.application.clone().map(Value::from)),
        ("format", format.map(Value::from)),
        ("audience", args.audience.clone().map(Value::from)),
        ("scope", args.scope.clone().map(Value::from)),
        ("lifetime", args.lifetime.map(Value::from)),
        ("subject", args.subject.clone().map(Value::from)),
    ];
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn token(response: &Response<Bytes>) -> anyhow::Result<String> {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let member = |name: &str| body.get(name).and_then(Value::as_str);
    if let (true, Some(token)) = (response.status().is_success(), member("access_token")) {
        return Ok(token.to_owned());
    }
    match member("error_description").or(member("error")) {
        Some(description) => bail!("the issuer refuses: {description}"),
        None => Err(anyhow!("this is no development issuer of Bearward: it answered {}", response.status())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn the_token_or_the_reason_why_there_is_none() {
        let read = |status: u16, body: &'static str| {
            token(&Response::builder().status(status).body(Bytes::from(body)).unwrap())
                .map_err(|error| error.to_string())
        };
        assert_eq!(read(200, r#"{"access_token":"t"}"#), Ok("t".into()));
        let refusal = r#"{"error":"invalid_request","error_description":"there is no application \"x\""}"#;
        assert_eq!(read(400, refusal), Err("the issuer refuses: there is no application \"x\"".into()));
        let other = "this is no development issuer of Bearward: it answered 404 Not Found";
        assert_eq!(read(404, "<html>"), Err(other.into()));
    }

    #[test]
    fn what_is_not_given_is_not_asked_for() {
        let args = TokenArgs {
            issuer: String::new(),
            format: Some(TokenFormat::Referential),
            audience: None,
            scope: Some(String::new()),
            lifetime: Some(-5),
            subject: None,
            application: None,
        };
        let expected = r#"{"format":"referential","lifetime":-5,"scope":""}"#;
        assert_eq!(Value::Object(description(&args)).to_string(), expected);
    }
}
