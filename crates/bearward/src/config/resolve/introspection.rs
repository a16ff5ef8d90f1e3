//! `[issuers.introspection]`

use std::time::Duration;

use bearward_gate::{ClientAuth, IntrospectionSettings, Secret};

use super::{secret, urls};
use crate::config::place::Complaint;
use crate::config::reader::Section;

const SECOND: Duration = Duration::from_secs(1);

pub(super) fn introspection(mut section: Section<'_>) -> IntrospectionSettings {
    let url = section.parsed("url", "a URL", urls::endpoint);
    let client_id = section.required("client_id", "\"orders-gateway\"");
    let client_secret = client_secret(&mut section);
    let auth =
        section.choice("auth", &[("client_secret_basic", ClientAuth::Basic), ("client_secret_post", ClientAuth::Post)]);
    let cache_ttl = section.duration("cache_ttl", Duration::ZERO..=3_600 * SECOND);
    let negative_ttl = section.duration("negative_ttl", Duration::ZERO..=3_600 * SECOND);
    let timeout = section.duration("timeout", SECOND / 10..=60 * SECOND);
    let max_concurrent = section.integer("max_concurrent", 1..=10_000);
    section.finish();
    IntrospectionSettings {
        url: url.map(|url| url.value),
        client_id: client_id.map(|id| id.value).unwrap_or_default(),
        client_secret: client_secret.unwrap_or_else(|| Secret::from_text(String::new())),
        auth: auth.map_or(ClientAuth::Basic, |auth| auth.value),
        cache_ttl: cache_ttl.map_or(60 * SECOND, |ttl| ttl.value),
        negative_ttl: negative_ttl.map_or(10 * SECOND, |ttl| ttl.value),
        max_concurrent: max_concurrent.and_then(|most| usize::try_from(most.value).ok()).unwrap_or(64),
        timeout: timeout.map_or(5 * SECOND, |timeout| timeout.value),
    }
}

fn client_secret(section: &mut Section<'_>) -> Option<Secret> {
    const ELSEWHERE: &str =
        "name a file with `client_secret_file`, or an environment variable with `client_secret_env`";
    let inline = section.has("client_secret");
    section.refuse("client_secret", || Complaint::new("secrets do not stand in the configuration").hint(ELSEWHERE));
    let reading = section.reading;
    let has = ["client_secret_file", "client_secret_env"].map(|key| section.has(key));
    let file = section.string("client_secret_file");
    let variable = section.string("client_secret_env");
    match has {
        [true, true] => {
            let complaint = Complaint::new("`client_secret_file` and `client_secret_env` exclude each other");
            reading.error(&section.place_of("client_secret_env").key(), complaint.hint("keep one of the two"));
            None
        }
        [false, false] if !inline => {
            let complaint = Complaint::new(format!("the client's secret is missing in {}", section.place));
            reading.error(&section.place, complaint.hint(ELSEWHERE));
            None
        }
        _ => file
            .and_then(|file| secret::from_file(reading, &file))
            .or_else(|| variable.and_then(|variable| secret::from_environment(reading, &variable))),
    }
}
