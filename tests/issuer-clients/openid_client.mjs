// npm `openid-client` against the development issuer; flows.mjs says what it needs.
import assert from "node:assert/strict";
import * as client from "openid-client";
import { CALLBACK, ISSUER, flow, signIn, signingKey } from "./flows.mjs";

// The signatures of ID tokens and introspection answers are checked too: over TLS a client need not.
const execute = [client.allowInsecureRequests, client.enableNonRepudiationChecks];

const discover = (url, id, authentication, algorithm = "oidc", metadata = {}) =>
    client.discovery(new URL(url), id, metadata, authentication, { execute, algorithm });

const isRefused = (error) => (reason) => {
    assert.equal(reason.error, error, reason.message);
    return true;
};

async function authorize(config, scope, { pkce, decision } = {}) {
    const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()];
    const parameters = { redirect_uri: CALLBACK, scope, state: expectedState, nonce: expectedNonce };
    const checks = { expectedState, expectedNonce, idTokenExpected: true };
    if (pkce) {
        checks.pkceCodeVerifier = client.randomPKCECodeVerifier();
        parameters.code_challenge = await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier);
        parameters.code_challenge_method = "S256";
    }
    const location = await signIn(client.buildAuthorizationUrl(config, parameters), decision);
    return { location, checks };
}

async function tokens(config, scope, options) {
    const { location, checks } = await authorize(config, scope, options);
    return client.authorizationCodeGrant(config, location, checks);
}

const service = await discover(ISSUER, "service", client.ClientSecretBasic("service-secret"));
const web = await discover(ISSUER, "web", client.ClientSecretPost("web-secret"));
const native = await discover(ISSUER, "native", client.None());
const gateway = await discover(ISSUER, "gateway", client.ClientSecretBasic("gateway-secret"));

await flow("discovery", async () => {
    for (const [url, algorithm] of [[ISSUER, "oidc"], [ISSUER, "oauth2"], [`${ISSUER}/apps/web`, "oidc"], [`${ISSUER}/apps/web`, "oauth2"]]) {
        const config = await discover(url, "web", client.ClientSecretPost("web-secret"), algorithm);
        assert.equal(config.serverMetadata().issuer, url);
    }
    assert.ok(web.serverMetadata().supportsPKCE("S256") && !web.serverMetadata().supportsPKCE("plain"));
});

await flow("client credentials", async () => {
    const issued = await client.clientCredentialsGrant(service, { scope: "orders:read" });
    assert.deepEqual([issued.token_type, issued.scope], ["bearer", "orders:read"]);
    assert.equal(issued.refresh_token, undefined);
    await assert.rejects(client.clientCredentialsGrant(service, { scope: "orders:delete" }), isRefused("invalid_scope"));
    const impostor = await discover(ISSUER, "service", client.ClientSecretBasic("wrong"));
    await assert.rejects(client.clientCredentialsGrant(impostor), (error) => {
        assert.deepEqual([error.code, error.status], ["OAUTH_WWW_AUTHENTICATE_CHALLENGE", 401], error.message);
        return true;
    });
});

await flow("private_key_jwt", async () => {
    const config = await discover(ISSUER, "signer", client.PrivateKeyJwt({ key: await signingKey(), kid: "signer" }));
    for (let times = 0; times < 2; times += 1) {
        assert.equal((await client.clientCredentialsGrant(config)).scope, "orders:read");
    }
});

await flow("authorization code with PKCE", async () => {
    const issued = await tokens(native, "openid profile orders:read", { pkce: true });
    const { iss, aud, sub } = issued.claims();
    assert.deepEqual([iss, aud, sub], [ISSUER, "native", "alice"]);
    const { location, checks } = await authorize(native, "openid", { pkce: true });
    const wrong = { ...checks, pkceCodeVerifier: client.randomPKCECodeVerifier() };
    await assert.rejects(client.authorizationCodeGrant(native, location, wrong), isRefused("invalid_grant"));
});

await flow("authorization code without PKCE", async () => {
    const { location, checks } = await authorize(web, "openid orders:read");
    assert.equal(location.searchParams.get("iss"), ISSUER);
    const issued = await client.authorizationCodeGrant(web, location, checks);
    assert.equal(issued.claims().aud, "web");
    await assert.rejects(client.authorizationCodeGrant(web, location, checks), isRefused("invalid_grant"));
    const after = await client.tokenIntrospection(gateway, issued.access_token);
    assert.equal(after.active, false, "a code that came twice ends what it gave");
});

await flow("a person who says no", async () => {
    const { location, checks } = await authorize(web, "openid", { decision: "deny" });
    await assert.rejects(client.authorizationCodeGrant(web, location, checks), isRefused("access_denied"));
});

await flow("refresh with rotation", async () => {
    for (const [config, pkce] of [[native, true], [web, false]]) {
        const first = await tokens(config, "openid orders:read orders:write", { pkce });
        const second = await client.refreshTokenGrant(config, first.refresh_token, { scope: "orders:read" });
        assert.notEqual(second.refresh_token, first.refresh_token);
        assert.equal(second.scope, "orders:read");
        await assert.rejects(client.refreshTokenGrant(config, first.refresh_token), isRefused("invalid_grant"));
        await assert.rejects(client.refreshTokenGrant(config, second.refresh_token), isRefused("invalid_grant"));
    }
});

await flow("userinfo", async () => {
    const issued = await tokens(web, "openid profile email");
    const about = await client.fetchUserInfo(web, issued.access_token, issued.claims().sub);
    assert.deepEqual([about.sub, about.name, about.email], ["alice", "Alice", "alice@example.com"]);
});

await flow("introspection", async () => {
    const issued = await client.clientCredentialsGrant(service);
    const about = await client.tokenIntrospection(gateway, issued.access_token);
    assert.deepEqual([about.active, about.iss, about.client_id], [true, ISSUER, "service"]);
    assert.equal((await client.tokenIntrospection(gateway, "no-token")).active, false);
});

await flow("signed introspection", async () => {
    const metadata = { introspection_signed_response_alg: "RS256" };
    const config = await discover(ISSUER, "gateway", client.ClientSecretBasic("gateway-secret"), "oidc", metadata);
    const types = [];
    config[client.customFetch] = async (...request) => {
        const response = await fetch(...request);
        types.push(response.headers.get("content-type"));
        return response;
    };
    const issued = await tokens(web, "openid orders:read"); // referential: only the issuer knows what it means
    assert.equal(issued.access_token.split(".").length, 5);
    const about = await client.tokenIntrospection(config, issued.access_token);
    assert.deepEqual([about.active, about.sub, about.client_id], [true, "alice", "web"]);
    assert.ok(types.includes("application/token-introspection+jwt"), types.join());
});

await flow("revocation", async () => {
    const issued = await tokens(native, "openid orders:read", { pkce: true });
    assert.equal((await client.tokenIntrospection(gateway, issued.access_token)).active, true);
    await client.tokenRevocation(native, issued.access_token);
    assert.equal((await client.tokenIntrospection(gateway, issued.access_token)).active, false);
    await client.tokenRevocation(native, issued.refresh_token);
    await assert.rejects(client.refreshTokenGrant(native, issued.refresh_token), isRefused("invalid_grant"));
});
