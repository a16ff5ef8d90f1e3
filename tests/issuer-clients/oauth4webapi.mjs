// npm `oauth4webapi` against the development issuer, each application at an issuer URL of its own; flows.mjs says what it
// needs.
import assert from "node:assert/strict";
import * as oauth from "oauth4webapi";
import { CALLBACK, ISSUER, flow, signIn, signingKey } from "./flows.mjs";

const options = { [oauth.allowInsecureRequests]: true };

async function discover(application, algorithm) {
    const issuer = new URL(`${ISSUER}/apps/${application}`);
    const response = await oauth.discoveryRequest(issuer, { ...options, algorithm });
    return oauth.processDiscoveryResponse(issuer, response);
}

const party = async (client_id, authentication) => ({
    server: await discover(client_id, "oauth2"),
    client: { client_id },
    authentication,
});

async function clientCredentials({ server, client, authentication }, scope) {
    const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, { scope }, options);
    return oauth.processClientCredentialsResponse(server, client, response);
}

async function authorizationCode({ server, client, authentication }, scope, pkce) {
    const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
    const verifier = pkce ? oauth.generateRandomCodeVerifier() : oauth.nopkce;
    const url = new URL(server.authorization_endpoint);
    const parameters = { client_id: client.client_id, redirect_uri: CALLBACK, response_type: "code", scope, state, nonce };
    if (pkce) {
        parameters.code_challenge = await oauth.calculatePKCECodeChallenge(verifier);
        parameters.code_challenge_method = "S256";
    }
    url.search = new URLSearchParams(parameters);
    // Checks `state` and, since the metadata promise it, `iss` (RFC 9207).
    const answer = oauth.validateAuthResponse(server, client, await signIn(url), state);
    const response = await oauth.authorizationCodeGrantRequest(server, client, authentication, answer, CALLBACK, verifier, options);
    const issued = await oauth.processAuthorizationCodeResponse(server, client, response, { expectedNonce: nonce, requireIdToken: true });
    await oauth.validateApplicationLevelSignature(server, response, options);
    return issued;
}

async function refresh({ server, client, authentication }, token) {
    const response = await oauth.refreshTokenGrantRequest(server, client, authentication, token, options);
    return oauth.processRefreshTokenResponse(server, client, response);
}

async function introspect(server, token, settings = {}) {
    const gateway = { client_id: "gateway", ...settings.client };
    const authentication = oauth.ClientSecretBasic("gateway-secret");
    const response = await oauth.introspectionRequest(server, gateway, authentication, token, { ...options, ...settings.request });
    const about = await oauth.processIntrospectionResponse(server, gateway, response);
    if (settings.request) await oauth.validateApplicationLevelSignature(server, response, options);
    return about;
}

async function revoke({ server, client, authentication }, token) {
    await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, authentication, token, options));
}

const isInvalidGrant = { code: oauth.RESPONSE_BODY_ERROR, error: "invalid_grant" };
const service = await party("service", oauth.ClientSecretBasic("service-secret"));
const web = await party("web", oauth.ClientSecretPost("web-secret"));
const native = await party("native", oauth.None());

await flow("discovery", async () => {
    for (const algorithm of ["oidc", "oauth2"]) {
        assert.equal((await discover("web", algorithm)).issuer, `${ISSUER}/apps/web`);
    }
});

await flow("client credentials", async () => {
    const issued = await clientCredentials(service, "orders:read");
    assert.deepEqual([issued.token_type, issued.scope], ["bearer", "orders:read"]);
    const request = new Request("https://api.example.com/orders/1", { headers: { authorization: `Bearer ${issued.access_token}` } });
    const claims = await oauth.validateJwtAccessToken(service.server, request, "https://api.example.com", options);
    assert.deepEqual([claims.iss, claims.client_id], [`${ISSUER}/apps/service`, "service"]);
});

await flow("private_key_jwt", async () => {
    const signer = await party("signer", oauth.PrivateKeyJwt({ key: await signingKey(), kid: "signer" }));
    assert.equal((await clientCredentials(signer, "orders:read")).scope, "orders:read");
});

await flow("authorization code with PKCE", async () => {
    const issued = await authorizationCode(native, "openid orders:read", true);
    assert.equal(oauth.getValidatedIdTokenClaims(issued).sub, "alice");
});

await flow("authorization code without PKCE", async () => {
    const issued = await authorizationCode(web, "openid orders:read", false);
    assert.equal(oauth.getValidatedIdTokenClaims(issued).aud, "web");
});

await flow("refresh with rotation", async () => {
    const first = await authorizationCode(native, "openid orders:read", true);
    const second = await refresh(native, first.refresh_token);
    assert.notEqual(second.refresh_token, first.refresh_token);
    await assert.rejects(refresh(native, first.refresh_token), isInvalidGrant);
    await assert.rejects(refresh(native, second.refresh_token), isInvalidGrant);
});

await flow("userinfo", async () => {
    const { access_token } = await authorizationCode(web, "openid email", false);
    const response = await oauth.userInfoRequest(web.server, web.client, access_token, options);
    assert.equal((await oauth.processUserInfoResponse(web.server, web.client, "alice", response)).email, "alice@example.com");
});

await flow("introspection", async () => {
    const { access_token } = await authorizationCode(web, "openid orders:read", false);
    assert.deepEqual((await introspect(web.server, access_token)).sub, "alice");
    assert.equal((await introspect(native.server, access_token)).active, false, "a token means nothing at another issuer URL");
});

await flow("signed introspection", async () => {
    const settings = { client: { introspection_signed_response_alg: "RS256" }, request: { requestJwtResponse: true } };
    const { access_token } = await authorizationCode(web, "openid orders:read", false);
    const about = await introspect(web.server, access_token, settings);
    assert.deepEqual([about.active, about.sub, about.client_id], [true, "alice", "web"]);
    assert.equal((await introspect(web.server, "no-token", settings)).active, false);
});

await flow("revocation", async () => {
    const issued = await authorizationCode(web, "openid orders:read", false);
    await revoke(web, issued.access_token);
    assert.equal((await introspect(web.server, issued.access_token)).active, false);
    await revoke(web, issued.refresh_token);
    await assert.rejects(refresh(web, issued.refresh_token), isInvalidGrant);
});
