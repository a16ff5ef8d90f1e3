//! The shapes of tokens and answers.

use bearward_core::IntrospectionAnswer;

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
        for scope in self.identity.1.split_whitespace() {
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
    // Such a token says itself what it is, so nothing in it can be mistaken for an ID token's.
    let refused = vec![("an ID token with a nonce", json!({"nonce": "n"}))];
    Shapes { claims, refused, ..shapes }.hold(&json!({"typ": "at+jwt"}));
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
    assert_eq!(refused.err(), Some(Reason::ClaimMissing), "without clients, no audience is no audience");
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
    let client = "[issuers.introspection]\nclient_id = \"api\"\nclient_secret_env = \"SECRET\"\n";
    let issuer = issuer("zitadel", name, client);
    let active = json!({"active": true, "token_type": "Bearer", "scope": "openid read", "client_id": "app", "iss": name,
        "sub": "a", "aud": ["app", "api"], "exp": NOW + 60, "urn:zitadel:iam:org:project:roles": {"user": {"1": "a"}}});
    let verified = answer(&issuer, &active).unwrap();
    assert!(verified.client_id() == Some("app") && verified.scopes().contains(&scope_named("read")));
    assert_eq!(answer(&issuer, &changed(&active, &json!({"aud": ["app"]}))).err(), Some(Reason::AudienceMismatch));
    // Of a refresh token it says so; and nothing is verified with keys, whatever it looks like.
    assert!(answer(&issuer, &changed(&active, &json!({"token_type": "refresh_token"}))).is_err());
    let settings = config(&issuer).gate.issuers.remove(0);
    assert_eq!(settings.tokens, bearward_gate::TokenFormats::Referential);
}

#[test]
fn github_actions() {
    let name = "https://token.actions.githubusercontent.com";
    let rule = "required_claims = [{ claim = \"repository_owner_id\", equals = \"65\" }]\n";
    let more = json!({"sub": "repo:octo-org@65/octo-repo@74:ref:refs/heads/main", "repository": "octo-org/octo-repo",
        "repository_id": "74", "repository_owner_id": "65", "ref": "refs/heads/main", "jti": "1", "nbf": NOW - 10});
    let refused = vec![
        ("another owner's token", json!({"repository_owner_id": "66"})),
        ("a token whose owner is a number", json!({"repository_owner_id": 65})),
        ("a token for the default audience", json!({"aud": "https://github.com/octo-org"})),
    ];
    let shapes = Shapes {
        issuer: issuer("github-actions", name, rule),
        claims: claims(name, &more),
        identity: ("octo-org/octo-repo", ""),
        refused,
    };
    shapes.hold(&json!({"typ": "JWT"}));
}

#[test]
fn gitlab() {
    let name = "https://gitlab.example.com";
    let rule = "required_claims = [{ claim = \"project_id\", equals = \"22\" }, { claim = \"ref_protected\", equals = \"true\" }]\n";
    let more = json!({"sub": "project_path:group/project:ref_type:branch:ref:main", "project_path": "group/project",
        "project_id": "22", "ref_protected": "true", "aud": ["api", "vault"], "jti": "1"});
    let refused = vec![
        ("another project's token", json!({"project_id": "23"})),
        ("a token of a branch that anybody may push to", json!({"ref_protected": "false"})),
        // GitLab signs ID tokens for people as well: they name a client, and no project.
        ("an ID token", json!({"project_path": null, "project_id": null, "nonce": "n"})),
    ];
    Shapes {
        issuer: issuer("gitlab", name, rule),
        claims: claims(name, &more),
        identity: ("group/project", ""),
        refused,
    }
    .hold(&json!({"typ": "JWT"}));
}

#[test]
fn google() {
    let issuer = "provider = \"google\"\nissuer = \"https://accounts.google.com\"\naudiences = [\"shop.example\"]\n";
    let info = json!({"azp": "shop.example", "aud": "shop.example", "sub": "1", "scope": "openid email",
        "exp": (NOW + 60).to_string(), "expires_in": "60", "email_verified": "true", "access_type": "online"});
    let read = |info: &Value| {
        let rules = config(issuer).gate.issuers.remove(0).rules().unwrap();
        IntrospectionAnswer::parse_tokeninfo(info.to_string().as_bytes())?.prove(&rules, UnixTime(NOW))
    };
    let verified = read(&info).unwrap();
    assert_eq!((verified.issuer(), verified.client_id()), ("https://accounts.google.com", Some("shop.example")));
    for (what, changes) in [
        ("a token of another client", json!({"aud": "evil.example", "azp": "evil.example"})),
        ("an expired token", json!({"exp": (NOW - 100).to_string()})),
        ("an ID token", json!({"nonce": "n", "alg": "RS256"})),
        ("an ID token without nonce", json!({"kid": "1"})),
        ("an answer that says nothing of whom it is for", json!({"aud": null})),
    ] {
        assert!(read(&changed(&info, &changes)).is_err(), "{what}");
    }
}

#[test]
fn kubernetes() {
    let name = "https://kubernetes.default.svc.cluster.local";
    let account = "system:serviceaccount:shop:orders";
    let more = json!({"sub": account, "aud": ["api"], "jti": "1", "nbf": NOW - 10,
        "kubernetes.io": {"namespace": "shop", "serviceaccount": {"name": "orders", "uid": "u"}}});
    let refused = vec![
        ("a token for the API server", json!({"aud": [name]})),
        ("a token without a workload", json!({"sub": null})),
    ];
    Shapes { issuer: issuer("kubernetes", name, ""), claims: claims(name, &more), identity: (account, ""), refused }
        .hold(&json!({}));
    let review = json!({"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "status": {
        "authenticated": true, "user": {"username": account, "uid": "u", "groups": ["system:serviceaccounts"]}, "audiences": ["api"]}});
    let read = |review: &Value| {
        let rules = config(&issuer("kubernetes", name, "")).gate.issuers.remove(0).rules().unwrap();
        IntrospectionAnswer::parse_token_review(review.to_string().as_bytes())?.prove(&rules, UnixTime(NOW))
    };
    assert_eq!(read(&review).unwrap().subject(), Some(account));
    for audiences in [json!(["other"]), json!([]), json!(null)] {
        let mut review = review.clone();
        *review.pointer_mut("/status/audiences").unwrap() = audiences;
        assert_eq!(read(&review).err(), Some(Reason::AudienceMismatch), "{review}");
    }
}

#[test]
fn spiffe() {
    let name = "https://spire.example.com";
    let id = "spiffe://example.com/orders";
    let refused = vec![
        ("a token without SPIFFE ID", json!({"sub": null})),
        ("a token that does not say who made it", json!({"iss": null})),
    ];
    let shapes = Shapes {
        issuer: issuer("spiffe", name, ""),
        claims: claims(name, &json!({"sub": id, "aud": ["api"]})),
        identity: (id, ""),
        refused,
    };
    shapes.hold(&json!({"typ": "JWT"}));
    shapes.hold(&json!({}));
    // As a trust bundle publishes its keys.
    let jwk = with(signer().jwk(), "alg", None);
    for (purpose, keys) in [("jwt-svid", 1), ("x509-svid", 0)] {
        let bundle = json!({"keys": [with(jwk.clone(), "use", Some(json!(purpose)))]});
        assert_eq!(KeySet::parse(bundle.to_string().as_bytes()).unwrap().len(), keys, "{purpose}");
    }
}
