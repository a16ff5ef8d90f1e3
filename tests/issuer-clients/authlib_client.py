"""PyPI `authlib` against the development issuer; flows.mjs says which variables it needs."""

import os
import re
import secrets
import sys
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # it would talk to https alone

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

ISSUER = os.environ["ISSUER"]
CALLBACK = os.environ["CALLBACK"]


def get(url):
    answer = requests.get(url, timeout=30)
    answer.raise_for_status()
    return answer.json()


server = get(f"{ISSUER}/.well-known/openid-configuration")
keys = KeySet.import_key_set(get(server["jwks_uri"]))


def session(client_id, secret=None, method="client_secret_basic", **settings):
    return OAuth2Session(
        client_id,
        secret,
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,  # it would take client_secret_basic
        redirect_uri=CALLBACK,
        default_timeout=30,
        **settings,
    )


def service():
    return session("service", "service-secret", scope="orders:read")


def web(scope):
    return session("web", "web-secret", "client_secret_post", scope=scope)


def native(scope):
    return session("native", None, "none", scope=scope, code_challenge_method="S256")


def gateway():
    return session("gateway", "gateway-secret")


class Form(HTMLParser):
    """The fields of the sign-in page as they stand there, with alice chosen."""

    def __init__(self, html):
        super().__init__()
        self.action, self.fields = None, {"decision": "allow"}
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.action = attrs["action"]
        chosen = attrs.get("value") == "alice" if attrs.get("type") == "radio" else "disabled" not in attrs
        if tag == "input" and chosen:
            self.fields[attrs["name"]] = attrs["value"]


def sign_in(url):
    browser = requests.Session()
    page = browser.get(url, timeout=30)
    assert page.status_code == 200, page.text
    form = Form(page.text)
    assert form.fields["person"] == "alice"
    answer = browser.post(urljoin(url, form.action), data=form.fields, allow_redirects=False, timeout=30)
    location = answer.headers["location"]
    assert location.startswith(f"{CALLBACK}?"), answer.status_code
    assert parse_qs(urlsplit(location).query)["iss"] == [ISSUER]  # RFC 9207, which authlib leaves to its users
    return location


def tokens(client, verifier=None):
    """The authorization code flow, and what the ID token says."""
    nonce = secrets.token_urlsafe(16)
    url, state = client.create_authorization_url(server["authorization_endpoint"], nonce=nonce, code_verifier=verifier)
    location = sign_in(url)
    issued = client.fetch_token(
        server["token_endpoint"], authorization_response=location, state=state, code_verifier=verifier
    )
    token = jwt.decode(issued["id_token"], keys, algorithms=server["id_token_signing_alg_values_supported"])
    claims = CodeIDToken(
        token.claims,
        token.header,
        {"iss": {"value": ISSUER}, "aud": {"value": client.client_id}},
        {"nonce": nonce, "client_id": client.client_id, "access_token": issued["access_token"]},
    )
    claims.validate()
    return issued, claims


def introspect(token, **settings):
    return gateway().introspect_token(server["introspection_endpoint"], token=token, **settings)


def must_be_refused(error, call):
    try:
        call()
    except OAuthError as refused:
        assert refused.error == error, refused
    else:
        raise AssertionError(f"not refused with {error}")


def discovery():
    assert server["issuer"] == ISSUER
    for issuer in (ISSUER, f"{ISSUER}/apps/web"):
        OpenIDProviderMetadata(get(f"{issuer}/.well-known/openid-configuration"))
        host, path = re.fullmatch(r"(http://[^/]+)(/.*)?", issuer).groups()
        metadata = get(f"{host}/.well-known/oauth-authorization-server{path or ''}")
        assert metadata["issuer"] == issuer
        AuthorizationServerMetadata(metadata).validate_grant_types_supported()


def client_credentials():
    issued = service().fetch_token(server["token_endpoint"], grant_type="client_credentials")
    assert issued["scope"] == "orders:read"
    wrong = session("service", "wrong")
    must_be_refused("invalid_client", lambda: wrong.fetch_token(server["token_endpoint"], grant_type="client_credentials"))


def private_key_jwt():
    key = ECKey.import_key(os.environ["SIGNING_KEY"], {"kid": "signer"})
    client = session("signer", key, "private_key_jwt")
    client.register_client_auth_method(PrivateKeyJWT(server["token_endpoint"], alg="ES256", headers={"kid": "signer"}))
    issued = client.fetch_token(server["token_endpoint"], grant_type="client_credentials")
    assert issued["scope"] == "orders:read"


def code_with_pkce():
    issued, claims = tokens(native("openid orders:read"), secrets.token_urlsafe(48))
    assert claims["sub"] == "alice" and issued["scope"] == "openid orders:read"


def code_without_pkce():
    issued, claims = tokens(web("openid orders:read"))
    assert claims["sub"] == "alice" and len(issued["access_token"].split(".")) == 5


def refresh():
    client = web("openid orders:read orders:write")
    first, _ = tokens(client)
    first = dict(first)
    renew = lambda token, **more: client.refresh_token(server["token_endpoint"], refresh_token=token, **more)
    second = dict(renew(first["refresh_token"], scope="orders:read"))
    assert second["refresh_token"] != first["refresh_token"] and second["scope"] == "orders:read"
    must_be_refused("invalid_grant", lambda: renew(first["refresh_token"]))
    must_be_refused("invalid_grant", lambda: renew(second["refresh_token"]))


def userinfo():
    client = web("openid profile email")
    tokens(client)
    about = client.get(server["userinfo_endpoint"]).json()
    assert (about["sub"], about["name"], about["email"]) == ("alice", "Alice", "alice@example.com")


def introspection():
    issued, _ = tokens(web("openid orders:read"))
    about = introspect(issued["access_token"]).json()
    assert (about["active"], about["sub"], about["client_id"]) == (True, "alice", "web")
    assert introspect("no-token").json() == {"active": False}


def signed_introspection():
    issued, _ = tokens(web("openid orders:read"))
    accept = {
        "Accept": "application/token-introspection+jwt",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer = jwt.decode(introspect(issued["access_token"], headers=accept).text, keys)
    assert answer.header["typ"] == "token-introspection+jwt"
    assert (answer.claims["iss"], answer.claims["aud"]) == (ISSUER, "gateway")
    assert answer.claims["token_introspection"]["sub"] == "alice"


def revocation():
    client = web("openid orders:read")
    issued, _ = tokens(client)
    assert client.revoke_token(server["revocation_endpoint"], token=issued["access_token"]).status_code == 200
    assert introspect(issued["access_token"]).json() == {"active": False}
    assert client.revoke_token(server["revocation_endpoint"], token=issued["refresh_token"]).status_code == 200
    renew = lambda: client.refresh_token(server["token_endpoint"], refresh_token=issued["refresh_token"])
    must_be_refused("invalid_grant", renew)


FLOWS = {
    "discovery": discovery,
    "client credentials": client_credentials,
    "private_key_jwt": private_key_jwt,
    "authorization code with PKCE": code_with_pkce,
    "authorization code without PKCE": code_without_pkce,
    "refresh with rotation": refresh,
    "userinfo": userinfo,
    "introspection": introspection,
    "signed introspection": signed_introspection,
    "revocation": revocation,
}

for name, steps in FLOWS.items():
    try:
        steps()
    except Exception:
        print(f'flow "{name}" failed', file=sys.stderr)
        raise
    print(f"flow: {name}", flush=True)
