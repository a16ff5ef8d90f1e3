//! The shapes of tokens and answers.

use super::*;

/// A provider's issuer, and what is accepted and refused of what it makes.
struct Shapes {
    issuer: String,
    claims: Value,
    /// The client and the scopes that the upstream is told of.
    identity: (&'static str, &'static str),
    /// Members that make another token of an access token; `null` removes one.
    refused: Vec<(&'static str, Value)>,
}

impl Shapes {
    fn hold(&self, header: &Value) {
        let verified = token(&self.issuer, header, &self.claims);
        let verified = verified.unwrap_or_else(|reason| panic!("{}\n{}: {reason:?}", self.issuer, self.claims));
        assert_eq!(verified.client_id(), Some(self.identity.0), "{}", self.issuer);
        for scope in self.identity.1.split(' ') {
            assert!(verified.scopes().contains(&scope_named(scope)), "{}: {scope}", self.issuer);
        }
        for (what, changes) in &self.refused {
            let reason = token(&self.issuer, header, &changed(&self.claims, changes));
            assert!(reason.is_err(), "{what} of {}", self.issuer);
        }
        for (what, changes) in [
            ("another issuer's", json!({"iss": "https://evil.example.com"})),
            ("an expired", json!({"exp": NOW - 1_000})),
            ("another API's", json!({"aud": "other", "client_id": "other", "azp": "other"})),
            ("a logout", json!({"events": {}})),
        ] {
            let reason = token(&self.issuer, header, &changed(&self.claims, &changes));
            assert!(reason.is_err(), "{what} token of {}", self.issuer);
        }
        let typ = changed(header, &json!({"typ": "dpop+jwt"}));
        assert_eq!(token(&self.issuer, &typ, &self.claims).err(), Some(Reason::TypeMismatch));
    }
}

fn changed(value: &Value, changes: &Value) -> Value {
    let mut value = value.clone();
    let members = value.as_object_mut().unwrap();
    for (name, change) in changes.as_object().unwrap() {
        match change {
            Value::Null => members.remove(name),
            change => members.insert(name.clone(), change.clone()),
        };
    }
    value
}

fn issuer(provider: &str, name: &str, rest: &str) -> String {
    format!("provider = \"{provider}\"\nissuer = \"{name}\"\naudiences = [\"api\"]\n{rest}")
}

/// The claims of every token: the rest is the provider's.
fn claims(name: &str, more: &Value) -> Value {
    changed(&json!({"iss": name, "sub": "alice", "aud": "api", "iat": NOW - 10, "exp": NOW + 300}), more)
}

#[test]
fn auth0() {
    let name = "https://example.auth0.com/";
    let api = json!(["api", "https://example.auth0.com/userinfo"]);
    let more = json!({"aud": api, "azp": "app", "scope": "openid read", "permissions": ["write"], "gty": "password"});
    let id_token = json!({"aud": "api", "azp": null, "scope": null, "permissions": null, "nickname": "a"});
    let refused = vec![("an ID token", id_token), ("an ID token with a nonce", json!({"nonce": "n"}))];
    let shapes = Shapes {
        issuer: issuer("auth0", name, ""),
        claims: claims(name, &more),
        identity: ("app", "read write"),
        refused,
    };
    shapes.hold(&json!({"typ": "JWT"}));
    // The dialect of RFC 9068.
    let claims = changed(&shapes.claims, &json!({"azp": null, "client_id": "app", "jti": "1"}));
    Shapes { claims, ..shapes }.hold(&json!({"typ": "at+jwt"}));
}

#[test]
fn authentik() {
    let name = "https://a.example.com/application/o/b/";
    let more =
        json!({"azp": "api", "scope": "openid read", "uid": "1", "acr": "goauthentik.io/providers/oauth2/default"});
    let refused = vec![
        ("an ID token", json!({"scope": null, "nonce": "n"})),
        ("an ID token without nonce", json!({"scope": null, "at_hash": "h"})),
        ("a bare ID token", json!({"scope": null})),
    ];
    Shapes { issuer: issuer("authentik", name, ""), claims: claims(name, &more), identity: ("api", "read"), refused }
        .hold(&json!({"typ": "JWT"}));
}

#[test]
fn beyond_identity() {
    let name = "https://auth-us.beyondidentity.com/v1/tenants/t/realms/r/applications/a";
    let bound = "required_claims = [{ claim = \"bi_t\", equals = \"t\" }, { claim = \"bi_r\", equals = \"r\" }]\n";
    let more = json!({"aud": ["app", "api"], "client_id": "app", "azp": "tenants/t/realms/r/applications/a",
        "scope": "read", "bi_t": "t", "bi_r": "r"});
    let refused = vec![
        ("another tenant's token", json!({"bi_t": "u"})),
        ("a management token", json!({"bi_r": "*"})),
        ("an ID token", json!({"scope": null, "nonce": "n"})),
    ];
    Shapes {
        issuer: issuer("beyond-identity", name, bound),
        claims: claims(name, &more),
        identity: ("app", "read"),
        refused,
    }
    .hold(&json!({}));
}

#[test]
fn cognito() {
    let name = "https://cognito-idp.eu-west-1.amazonaws.com/pool";
    let clients = "absent_audience_clients = [\"app\"]\n";
    let more =
        json!({"aud": null, "client_id": "app", "token_use": "access", "scope": "orders/read", "username": "alice"});
    let refused = vec![
        ("an ID token", json!({"token_use": "id", "aud": "app", "client_id": null, "scope": null})),
        ("another client's token", json!({"client_id": "other"})),
        ("a token that does not say what it is", json!({"token_use": null})),
    ];
    let shapes = Shapes {
        issuer: issuer("cognito", name, clients),
        claims: claims(name, &more),
        identity: ("app", "orders/read"),
        refused,
    };
    let refused = token(&issuer("cognito", name, ""), &json!({}), &shapes.claims);
    assert_eq!(refused.err(), Some(Reason::AudienceMismatch), "without clients, no audience is no audience");
    shapes.hold(&json!({}));
}

#[test]
fn entra_id() {
    let name = "https://login.microsoftonline.com/t/v2.0";
    let user = json!({"azp": "app", "scp": "Orders.Read", "tid": "t", "oid": "o", "ver": "2.0"});
    let refused = vec![
        ("an ID token", json!({"scp": null, "azp": null, "nonce": "n"})),
        ("an ID token with roles", json!({"scp": null, "azp": null, "roles": ["Orders.Read"]})),
    ];
    let shapes = Shapes {
        issuer: issuer("entra-id", name, ""),
        claims: claims(name, &user),
        identity: ("app", "Orders.Read"),
        refused,
    };
    shapes.hold(&json!({"typ": "JWT"}));
    // An application of its own accord has roles in place of scopes.
    let application = changed(&shapes.claims, &json!({"scp": null, "roles": ["Orders.Read"], "idtyp": "app"}));
    Shapes { claims: application, refused: vec![("a token without client", json!({"azp": null}))], ..shapes }
        .hold(&json!({"typ": "JWT"}));
    let name = "https://sts.windows.net/t/";
    let v1 = claims(name, &json!({"appid": "app", "scp": "Orders.Read", "ver": "1.0"}));
    Shapes { issuer: issuer("entra-id", name, ""), claims: v1, identity: ("app", "Orders.Read"), refused: Vec::new() }
        .hold(&json!({"typ": "JWT"}));
}

#[test]
fn fusionauth() {
    let name = "https://f.example.com";
    let more =
        json!({"scope": "openid read", "applicationId": "api", "authenticationType": "PASSWORD", "client_id": "api"});
    // The ID token has the same audience, and the same `typ`.
    let refused = vec![
        ("an ID token", json!({"scope": null, "at_hash": "h"})),
        ("a bare ID token", json!({"scope": null, "client_id": null})),
    ];
    Shapes { issuer: issuer("fusionauth", name, ""), claims: claims(name, &more), identity: ("api", "read"), refused }
        .hold(&json!({"typ": "JWT", "gty": ["authorization_code"]}));
}

#[test]
fn keycloak() {
    let name = "https://sso.example.com/realms/one";
    let more = json!({"typ": "Bearer", "azp": "app", "aud": ["api", "account"], "scope": "openid read", "sid": "s"});
    let refused = vec![
        ("an ID token", json!({"typ": "ID"})),
        ("a refresh token", json!({"typ": "Refresh"})),
        ("an offline token", json!({"typ": "Offline"})),
        ("a token without audience mapper", json!({"aud": "account"})),
    ];
    let shapes = Shapes {
        issuer: issuer("keycloak", name, ""),
        claims: claims(name, &more),
        identity: ("app", "read"),
        refused,
    };
    shapes.hold(&json!({"typ": "JWT"}));
    shapes.hold(&json!({"typ": "at+jwt"}));
    let active =
        changed(&shapes.claims, &json!({"active": true, "client_id": "app", "token_type": "Bearer", "username": "a"}));
    assert_eq!(answer(&shapes.issuer, &active).unwrap().client_id(), Some("app"));
    let refresh = changed(&active, &json!({"token_type": "Refresh", "typ": "Refresh"}));
    assert_eq!(answer(&shapes.issuer, &refresh).err(), Some(Reason::TypeMismatch));
    assert_eq!(answer(&shapes.issuer, &json!({"active": false})).err(), Some(Reason::TokenInactive));
}

#[test]
fn okta() {
    let name = "https://example.okta.com/oauth2/default";
    let more = json!({"ver": 1, "jti": "AT.1", "cid": "app", "uid": "u", "scp": ["openid", "read"]});
    let refused = vec![
        ("an ID token", json!({"cid": null, "scp": null, "aud": "api", "amr": ["pwd"]})),
        ("an ID token with a nonce", json!({"nonce": "n"})),
    ];
    let shapes =
        Shapes { issuer: issuer("okta", name, ""), claims: claims(name, &more), identity: ("app", "read"), refused };
    shapes.hold(&json!({}));
    let active = json!({"active": true, "token_type": "Bearer", "scope": "read", "client_id": "app", "iss": name, "sub": "a",
        "aud": "api", "exp": NOW + 60});
    assert!(answer(&shapes.issuer, &active).unwrap().scopes().contains(&scope_named("read")));
    let refresh = changed(&active, &json!({"token_type": null, "aud": null}));
    assert!(answer(&shapes.issuer, &refresh).is_err());
}

#[test]
fn ory_hydra() {
    let name = "https://ory.example.com";
    let more = json!({"client_id": "app", "aud": ["api"], "scp": ["read"], "ext": {}, "jti": "1"});
    let refused = vec![
        ("a token without audience", json!({"aud": []})),
        ("an ID token", json!({"scp": null, "client_id": null, "at_hash": "h"})),
    ];
    let shapes = Shapes {
        issuer: issuer("ory-hydra", name, ""),
        claims: claims(name, &more),
        identity: ("app", "read"),
        refused,
    };
    shapes.hold(&json!({"typ": "JWT"}));
    let active = json!({"active": true, "scope": "read", "client_id": "app", "sub": "a", "aud": ["api"], "iss": name,
        "token_type": "Bearer", "token_use": "access_token", "exp": NOW + 60});
    assert!(answer(&shapes.issuer, &active).unwrap().scopes().contains(&scope_named("read")));
    // A refresh token is active, and a bearer token, too.
    let refresh = changed(&active, &json!({"token_use": "refresh_token"}));
    assert_eq!(answer(&shapes.issuer, &refresh).err(), Some(Reason::TypeMismatch));
}

#[test]
fn ping() {
    let name = "https://auth.pingone.eu/environment/as";
    let more = json!({"client_id": "app", "scope": "read", "env": "environment", "org": "o", "jti": "1"});
    let refused = vec![("an ID token", json!({"client_id": null, "scope": null, "at_hash": "h"}))];
    Shapes { issuer: issuer("ping", name, ""), claims: claims(name, &more), identity: ("app", "read"), refused }
        .hold(&json!({}));
}

#[test]
fn zitadel() {
    let name = "https://z.example.com";
    let issuer = issuer("zitadel", name, "");
    let active = json!({"active": true, "token_type": "Bearer", "scope": "openid read", "client_id": "app", "iss": name,
        "sub": "a", "aud": ["app", "api"], "exp": NOW + 60, "urn:zitadel:iam:org:project:roles": {"user": {"1": "a"}}});
    let verified = answer(&issuer, &active).unwrap();
    assert!(verified.client_id() == Some("app") && verified.scopes().contains(&scope_named("read")));
    assert_eq!(answer(&issuer, &changed(&active, &json!({"aud": ["app"]}))).err(), Some(Reason::AudienceMismatch));
    // Its self-contained tokens have no scope, and cannot be told from its ID tokens.
    let claims = claims(name, &json!({"aud": ["app", "api"], "client_id": "app", "jti": "1"}));
    assert_eq!(token(&issuer, &json!({"typ": "JWT"}), &claims).err(), Some(Reason::TypeMismatch));
}
