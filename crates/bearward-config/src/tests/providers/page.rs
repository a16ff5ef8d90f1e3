//! What `docs/providers.md` shows can be pasted.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::provider::Provider;

use super::*;

const PAGE: &str = include_str!("../../../../../docs/providers.md");
/// Where Kubernetes mounts what a pod is given.
const MOUNTED: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const AUTHORITY: &str = "-----BEGIN CERTIFICATE-----
MIIBkTCCATigAwIBAgIUNG2NtSM6SPm1nNUsFhNudfax3FkwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjE3
MjkwOFoYDzIxMjYxMDI5MTcyOTA4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQwqskfbLZYSWmU
OoWVgITAstqAiZOirumcLjI6iuFxqafiWU0FHx4qc4P3QnA/mKS2OtDszqM4iUSjQzv1tzxuo2YwZDAdBgNVHQ4EFgQUcXh2I/irGqdbs4jj
dVl7F/cgCPgwHwYDVR0jBBgwFoAUcXh2I/irGqdbs4jjdVl7F/cgCPgwFAYDVR0RBA0wC4IJbG9jYWxob3N0MAwGA1UdEwEB/wQCMAAwCgYI
KoZIzj0EAwIDRwAwRAIgew0+UPeSDvolGuCoThYiL3VUpT6XoWXaSXluUsP7BkMCIGQutQnloH1IeWtB5FSe8wTE5zMGKfKAa5a5jDUZ/3tY
-----END CERTIFICATE-----
";

/// The page's configurations, in order.
fn configurations() -> Vec<&'static str> {
    PAGE.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn every_configuration_of_the_page_is_read_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [("ca.crt", AUTHORITY), ("token", "hunter2")] {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
    }
    for configuration in configurations() {
        let issuer = configuration.replace(MOUNTED, &folder.path().display().to_string());
        let secret = [("BEARWARD_CLIENT_SECRET".to_owned(), "hunter2".to_owned())];
        let read = parse(&format!("{issuer}\n{REST}"), Path::new("config.toml"), &Overrides::default(), secret);
        let config = read.unwrap_or_else(|problems| panic!("{configuration}\n{problems}"));
        let warnings: String = config.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(warnings, "", "{configuration}");
    }
}

#[test]
fn every_provider_has_a_configuration_on_the_page() {
    for provider in Provider::ALL {
        let line = format!("provider = \"{}\"\n", provider.name());
        assert!(configurations().iter().any(|configuration| configuration.contains(&line)), "{line}");
    }
}
