//! What the issuer says of itself, and its keys.

use bearward_issuer::{Application, ClientAuthentication, ClientKeys, SigningAlgorithm};
use serde_json::json;

use crate::client::{get, send, spawn, spawn_with};

#[tokio::test]
async fn both_documents_are_the_same_and_name_this_issuer() {
    let issuer = spawn().await;
    let answer = get(&issuer, "/.well-known/oauth-authorization-server").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.header("cache-control"), "max-age=300");
    let metadata = answer.json();
    assert_eq!(metadata, get(&issuer, "/.well-known/openid-configuration").await.json());
    assert_eq!(metadata["issuer"], format!("http://{}", issuer.address()));
    for (member, path) in [
        ("token_endpoint", "/token"),
        ("jwks_uri", "/jwks"),
        ("introspection_endpoint", "/introspect"),
        ("revocation_endpoint", "/revoke"),
    ] {
        assert_eq!(metadata[member], format!("{}{path}", issuer.url()));
    }
    let all = json!(["client_credentials", "authorization_code", "refresh_token"]);
    assert_eq!(metadata["grant_types_supported"], all);
    assert_eq!(metadata["authorization_endpoint"], format!("{}/authorize", issuer.url()));
    for scope in ["orders:read", "orders:write", "openid", "offline_access", "tokens:introspect"] {
        assert!(metadata["scopes_supported"].as_array().unwrap().contains(&json!(scope)), "{scope}");
    }
    assert_eq!(metadata["token_endpoint_auth_methods_supported"], json!(["client_secret_basic", "none"]));
    assert_eq!(metadata["introspection_endpoint_auth_methods_supported"], json!(["client_secret_basic"]));
}

#[tokio::test]
async fn each_application_has_documents_of_its_own_in_every_place() {
    let issuer = spawn().await;
    for (application, responses, grants, methods) in [
        ("orders-app", json!([]), json!(["client_credentials"]), json!(["client_secret_basic"])),
        ("web-app", json!(["code"]), json!(["authorization_code", "refresh_token"]), json!(["client_secret_basic"])),
        ("native-app", json!(["code"]), json!(["authorization_code", "refresh_token"]), json!(["none"])),
    ] {
        let url = issuer.issuer().application_url(application).unwrap();
        assert_eq!(url, format!("{}/apps/{application}", issuer.url()));
        let places = ["openid-configuration", "oauth-authorization-server"].map(|name| {
            [format!("/.well-known/{name}/apps/{application}"), format!("/apps/{application}/.well-known/{name}")]
        });
        for place in places.into_iter().flatten() {
            let metadata = get(&issuer, &place).await.json();
            assert_eq!(metadata["issuer"], url, "{place}");
            assert_eq!(metadata["token_endpoint"], format!("{url}/token"));
            assert_eq!(metadata["response_types_supported"], responses);
            assert_eq!(metadata["grant_types_supported"], grants);
            assert_eq!(metadata["token_endpoint_auth_methods_supported"], methods);
            assert_eq!(metadata.get("userinfo_endpoint").is_some(), application == "web-app");
            let signs_in = metadata.get("authorization_endpoint").is_some();
            assert_eq!(signs_in, application != "orders-app");
            assert_eq!(metadata["authorization_response_iss_parameter_supported"] == json!(true), signs_in);
            assert_eq!(metadata["code_challenge_methods_supported"] == json!(["S256"]), signs_in);
        }
        assert_eq!(get(&issuer, &format!("/apps/{application}/jwks")).await.body, get(&issuer, "/jwks").await.body);
    }
    assert_eq!(issuer.issuer().application_url("nobody"), None);
}

#[tokio::test]
async fn every_address_that_is_told_is_there() {
    let issuer = spawn().await;
    let applications = issuer.issuer().settings().applications.iter();
    let urls = applications.map(|known| issuer.issuer().application_url(&known.client_id).unwrap());
    for url in urls.chain([issuer.url().to_owned()]) {
        let path = |url: &str| url.strip_prefix(issuer.url()).unwrap().to_owned();
        let metadata = get(&issuer, &format!("{}/.well-known/oauth-authorization-server", path(&url))).await.json();
        let members = metadata.as_object().unwrap().iter();
        let told: Vec<_> = members.filter(|(name, _)| name.ends_with("_endpoint") || name.ends_with("_uri")).collect();
        assert!(told.len() >= 4, "{told:?}");
        for (name, address) in told {
            let address = address.as_str().unwrap();
            assert!(address.starts_with(&format!("{url}/")), "{name}: {address}");
            // Some take a form, some are read, and all refuse what this is. But they are there.
            let method = if ["jwks_uri", "authorization_endpoint", "userinfo_endpoint"].contains(&&**name) {
                "GET"
            } else {
                "POST"
            };
            let answer = send(issuer.address(), method, &path(address), &[], "").await;
            assert!([200, 400, 401].contains(&answer.status), "{method} {address}: {}", answer.status);
        }
    }
}

#[tokio::test]
async fn the_url_can_differ_from_the_address() {
    let issuer = spawn_with(|builder| builder.url("https://auth.example.com")).await;
    let metadata = get(&issuer, "/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["issuer"], "https://auth.example.com");
    assert_eq!(metadata["jwks_uri"], "https://auth.example.com/jwks");
}

#[tokio::test]
async fn the_key_set_has_its_own_media_type_and_may_be_kept() {
    let issuer =
        spawn_with(|builder| builder.algorithms([SigningAlgorithm::Rs256, SigningAlgorithm::EdDsa]).jwks_max_age(7))
            .await;
    let answer = get(&issuer, "/jwks").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/jwk-set+json"));
    assert_eq!(answer.header("cache-control"), "max-age=7");
    let set = answer.json();
    assert_eq!((&set["keys"][0]["alg"], &set["keys"][1]["alg"]), (&json!("RS256"), &json!("EdDSA")));
    assert_eq!(set["keys"].as_array().unwrap().len(), 2);
    assert!(set["keys"][0].get("d").is_none() && set["keys"][1].get("d").is_none());
    let metadata = get(&issuer, "/.well-known/openid-configuration").await.json();
    // A key of each is there, but the first one signs.
    for member in ["id_token_signing_alg_values_supported", "introspection_signing_alg_values_supported"] {
        assert_eq!(metadata[member], json!(["RS256"]), "{member}");
    }
}

#[tokio::test]
async fn a_method_that_signs_has_its_algorithms_beside_it_and_an_empty_list_is_left_out() {
    let keys = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let keys = ClientAuthentication::PrivateKeyJwt(ClientKeys::from_json(keys).unwrap());
    // The client of a resource server signs, and may ask at every issuer URL. No client that gets tokens does.
    let asking = Application::new("gateway", "").authentication(keys).without_grants();
    let alone = Application::new("alone", "alone-secret");
    let issuer = spawn_with(|builder| builder.application(asking).application(alone)).await;
    let metadata = get(&issuer, "/apps/alone/.well-known/oauth-authorization-server").await.json();
    for (endpoint, methods) in [
        ("token", json!(["client_secret_basic"])),
        ("revocation", json!(["client_secret_basic"])),
        ("introspection", json!(["client_secret_basic", "private_key_jwt"])),
    ] {
        let signs = methods.as_array().unwrap().len() == 2;
        // In the order of the settings, which a test need not know.
        let mut told: Vec<_> =
            metadata[format!("{endpoint}_endpoint_auth_methods_supported")].as_array().unwrap().clone();
        told.sort_by_key(|method| method.as_str().map(str::to_owned));
        assert_eq!(json!(told), methods, "{endpoint}");
        let algorithms = metadata.get(format!("{endpoint}_endpoint_auth_signing_alg_values_supported"));
        assert_eq!(algorithms.is_some(), signs, "{endpoint}");
    }
    // RFC 8414 3.2. It has no scopes; that nobody signs in has to be said.
    assert_eq!(metadata.get("scopes_supported"), None);
    assert_eq!(metadata["response_types_supported"], json!([]));
    let metadata = get(&issuer, "/apps/gateway/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["grant_types_supported"], json!([]), "left out, it would be the authorization code");
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let issuer = spawn().await;
    for (method, path, status) in [
        ("GET", "/", 404),
        ("PUT", "/authorize", 405),
        ("GET", "/sign-in", 405),
        ("GET", "/apps/nobody/jwks", 404),
        ("GET", "/apps/nobody/.well-known/openid-configuration", 404),
        ("POST", "/apps/nobody/token", 404),
        ("POST", "/apps/nobody/sign-in", 404),
        ("GET", "/apps/orders-app/dev/rotate-keys", 404),
        ("GET", "/token", 405),
        ("GET", "/token?grant_type=client_credentials", 405),
        ("GET", "/introspect", 405),
        ("GET", "/revoke", 405),
        ("POST", "/jwks", 405),
        ("GET", "/dev/token", 405),
        ("GET", "/dev/rotate-keys", 405),
    ] {
        assert_eq!(send(issuer.address(), method, path, &[], "").await.status, status, "{method} {path}");
    }
}
