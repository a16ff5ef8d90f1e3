// The OpenID provider that tests/interop runs Bearward against: npm `oidc-provider`, with nothing of it replaced.
//
//   npm ci --ignore-scripts && node op.mjs
//
//   PORT      where to listen on 127.0.0.1; 0 (the default) takes a free one
//   STATE     a file that keeps keys, opaque tokens and grants, so that a provider started again is the same one
//   SETTINGS  a file with what a test adds, in JSON: `clients`, and `tls` with `cert`, `key` and `ca` in PEM. With `tls`
//             clients may show a certificate, at addresses that the metadata names beside the plain ones (RFC 8705, 5)
//
// It prints `listening http://127.0.0.1:PORT` (the issuer) and `control http://127.0.0.1:PORT`, and ends when a pipe at
// its standard input is closed, so that it cannot outlive the test that started it. The control server answers
//
//   POST /login?client_id=..&resource=..  alice signs in (authorization code with PKCE): the token answer, as issued
//   POST /rotate                          new signing keys sign from now on; the old ones stay published
//   GET  /decryption-keys                 the API's private keys, to which the `urn:api:nested:` tokens are encrypted
//   GET  /counts                          how many requests each path of the provider has had

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, fstatSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Provider } from 'oidc-provider';

const AUDIENCE = 'https://api.example.com';
const SCOPES = 'orders:read orders:write';
const CALLBACK = 'http://127.0.0.1/callback';

// ---- the resources: all one audience, each with its own form of access token --------------------------------------

const resources = {
  'urn:api:rs256': () => signedWith('RS256'),
  'urn:api:es256': () => signedWith('ES256'),
  'urn:api:eddsa': () => signedWith('EdDSA'),
  'urn:api:opaque': () => ({ accessTokenFormat: 'opaque' }),
  'urn:api:nested:dir': () => nested('dir'),
  'urn:api:nested:ecdh-es': () => nested('ECDH-ES'),
  'urn:api:nested:rsa-oaep-256': () => nested('RSA-OAEP-256'),
  // Encrypted, and signed by nobody: oidc-provider makes such tokens where the API shares a secret with it.
  'urn:api:unsigned': () => ({ accessTokenFormat: 'jwt', jwt: { encrypt: encryptedTo('dir') } }),
};

function signedWith(alg) {
  const { kid } = state.keys.find((key) => key.alg === alg); // the newest: rotation puts new keys first
  return { accessTokenFormat: 'jwt', jwt: { sign: { alg, kid } } };
}

function nested(alg) {
  const signed = signedWith('ES256');
  return { ...signed, jwt: { ...signed.jwt, encrypt: encryptedTo(alg) } };
}

function encryptedTo(alg) {
  const jwk = encryptionKeys()[alg];
  const key = jwk.kty === 'oct' ? Buffer.from(jwk.k, 'base64url') : createPublicKey({ key: jwk, format: 'jwk' });
  return { alg, enc: 'A256GCM', kid: jwk.kid, key };
}

function getResourceServerInfo(_ctx, resource) {
  return { scope: SCOPES, audience: AUDIENCE, accessTokenTTL: 600, ...resources[resource]() };
}

// ---- the clients ---------------------------------------------------------------------------------------------------

const settings = process.env.SETTINGS ? JSON.parse(readFileSync(process.env.SETTINGS, 'utf8')) : {};
const web = {
  client_secret: 'web-secret',
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: [CALLBACK],
  response_types: ['code'],
  application_type: 'native', // only a native application may have an http callback on loopback
};
const service = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [] };
const clients = [
  { ...service, client_id: 'svc', client_secret: 'svc-secret' },
  { ...service, client_id: 'rs', client_secret: 'rs-secret', grant_types: [] }, // the gateway: it only introspects
  { ...web, client_id: 'web' },
  { ...web, client_id: AUDIENCE }, // its ID tokens have the very audience that the gateway asks for
  ...settings.clients ?? [],
];

// ---- what outlives a restart ---------------------------------------------------------------------------------------

const state = process.env.STATE && existsSync(process.env.STATE)
  ? JSON.parse(readFileSync(process.env.STATE, 'utf8'))
  : { keys: newKeys(), entries: {} };

function newKeys() {
  return [['RS256', 'rsa', { modulusLength: 2048 }], ['ES256', 'ec', { namedCurve: 'P-256' }], ['EdDSA', 'ed25519', {}]]
    .map(([alg, type, options]) => ({
      ...privateJwk(type, options),
      alg, use: 'sig', kid: `${alg.toLowerCase()}-${randomBytes(4).toString('hex')}`,
    }));
}

/**
 * A new private key. It goes by way of DER, since Node.js 20 now and then waits for itself without end where a key that was
 * just generated is exported as a JWK while the garbage of its generation is collected.
 */
function privateJwk(type, options) {
  const privateKeyEncoding = { type: 'pkcs8', format: 'der' };
  const publicKeyEncoding = { type: 'spki', format: 'der' };
  const { privateKey } = generateKeyPairSync(type, { ...options, privateKeyEncoding, publicKeyEncoding });
  return createPrivateKey({ key: privateKey, ...privateKeyEncoding }).export({ format: 'jwk' });
}

/** The private keys of the API, by the `alg` of the tokens that are encrypted to them; made when they are first needed. */
function encryptionKeys() {
  if (state.encryption) return state.encryption;
  const use = 'enc';
  state.encryption = {
    dir: { kty: 'oct', k: randomBytes(32).toString('base64url'), alg: 'A256GCM', use, kid: 'shared' },
    'ECDH-ES': { ...privateJwk('ec', { namedCurve: 'P-256' }), alg: 'ECDH-ES', use, kid: 'curve' },
    'RSA-OAEP-256': { ...privateJwk('rsa', { modulusLength: 2048 }), alg: 'RSA-OAEP-256', use, kid: 'rsa' },
  };
  save();
  return state.encryption;
}

function save() {
  if (!process.env.STATE) return;
  writeFileSync(`${process.env.STATE}.new`, JSON.stringify(state), { mode: 0o600 });
  renameSync(`${process.env.STATE}.new`, process.env.STATE);
}

/** The storage interface of oidc-provider over `state.entries`, shared by every Provider that rotation makes. */
class Store {
  constructor(model) { this.model = model; }
  key(id) { return `${this.model}:${id}`; }
  async upsert(id, payload) { state.entries[this.key(id)] = payload; save(); }
  async find(id) { return state.entries[this.key(id)]; }
  async findByUid(uid) { return Object.values(state.entries).find((entry) => entry.uid === uid); }
  async findByUserCode(code) { return Object.values(state.entries).find((entry) => entry.userCode === code); }
  async consume(id) { (await this.find(id)).consumed = Math.floor(Date.now() / 1000); save(); }
  async destroy(id) { delete state.entries[this.key(id)]; save(); }
  async revokeByGrantId(grantId) {
    for (const [key, entry] of Object.entries(state.entries)) if (entry.grantId === grantId) delete state.entries[key];
    save();
  }
}

// ---- the provider: its key store is fixed when it is made, so rotation makes another one over the same state --------

let provider, callback;
function start() {
  provider = new Provider(issuer, {
    adapter: Store,
    claims: { openid: ['sub'] },
    clientAuthMethods: [
      'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'tls_client_auth',
      'self_signed_tls_client_auth',
    ],
    clients,
    cookies: { keys: ['interop'] },
    discovery: tls && {
      mtls_endpoint_aliases: { introspection_endpoint: `${tls}/token/introspection`, token_endpoint: `${tls}/token` },
    },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      jwtIntrospection: { enabled: true },
      mTLS: {
        enabled: true,
        certificateAuthorized: (ctx) => ctx.socket.authorized === true,
        certificateSubjectMatches: (ctx, property, expected) => property === 'tls_client_auth_san_dns'
          && ctx.socket.getPeerX509Certificate().checkHost(expected) !== undefined,
        getCertificate: (ctx) => ctx.socket.getPeerX509Certificate?.()?.toString(),
        selfSignedTlsClientAuth: true,
        tlsClientAuth: true,
      },
      resourceIndicators: { enabled: true, getResourceServerInfo, useGrantedResource: async () => true },
      revocation: { enabled: true },
    },
    findAccount: async (_ctx, accountId) => ({ accountId, claims: async () => ({ sub: accountId }) }),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    issueRefreshToken: async () => true,
    jwks: { keys: state.keys },
    scopes: ['openid', 'offline_access', ...SCOPES.split(' ')],
  });
  provider.on('server_error', (_ctx, error) => console.error(error));
  callback = provider.callback();
  save();
}

/** What a sign-in page would do once alice has signed in and agreed. */
async function interact(request, response) {
  const { params } = await provider.interactionDetails(request, response);
  const grant = new provider.Grant({ accountId: 'alice', clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  grant.addResourceScope(params.resource, SCOPES);
  const consent = { grantId: await grant.save() };
  await provider.interactionFinished(request, response, { login: { accountId: 'alice' }, consent });
}

const counts = {};
function handle(request, response) {
  const { pathname } = new URL(request.url, issuer);
  counts[pathname] = (counts[pathname] ?? 0) + 1;
  if (!pathname.startsWith('/interaction/')) return callback(request, response);
  return interact(request, response).catch((error) => response.writeHead(500).end(error.stack));
}

// ---- the control server --------------------------------------------------------------------------------------------

/** The authorization code flow with PKCE, as a browser and an application go through it. */
async function login(client_id, resource) {
  const verifier = randomBytes(32).toString('base64url');
  const cookies = new Map();
  let url = new URL(`${issuer}/auth?${new URLSearchParams({
    client_id, resource, response_type: 'code', redirect_uri: CALLBACK, prompt: 'consent',
    scope: `openid offline_access ${SCOPES}`, nonce: randomBytes(8).toString('hex'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256',
  })}`);
  while (!url.href.startsWith(CALLBACK)) {
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    if (answer.status !== 303) throw new Error(`${url.pathname} answered ${answer.status}: ${await answer.text()}`);
    for (const cookie of answer.headers.getSetCookie()) cookies.set(...cookie.split(';')[0].split(/=(.*)/, 2));
    url = new URL(answer.headers.get('location'), url);
  }
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${encodeURIComponent(client_id)}:${web.client_secret}`)}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code', code: url.searchParams.get('code'), redirect_uri: CALLBACK,
      code_verifier: verifier, resource,
    }),
  });
  if (!answer.ok) throw new Error(`/token answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

const control = createServer(async (request, response) => {
  try {
    const { pathname, searchParams } = new URL(request.url, issuer);
    let answer;
    switch (`${request.method} ${pathname}`) {
      case 'POST /login': answer = await login(searchParams.get('client_id'), searchParams.get('resource')); break;
      case 'POST /rotate': state.keys.unshift(...newKeys()); start(); answer = { keys: state.keys.length }; break;
      case 'GET /decryption-keys': answer = { keys: Object.values(encryptionKeys()) }; break;
      case 'GET /counts': answer = counts; break;
      default: response.writeHead(404).end(); return;
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  } catch (error) {
    response.writeHead(500).end(error.stack);
  }
});

const listen = (what, port) => new Promise((resolve, reject) => {
  what.once('error', reject).listen(port, '127.0.0.1', () => resolve(`http://127.0.0.1:${what.address().port}`));
});
const issuer = await listen(createServer(handle), Number(process.env.PORT ?? 0));
let tls;
if (settings.tls) {
  // Whom a certificate belongs to is for the provider to say: one that nobody signed must get as far as that.
  const server = createTlsServer({ ...settings.tls, requestCert: true, rejectUnauthorized: false }, handle);
  tls = (await listen(server, 0)).replace('http://127.0.0.1', 'https://localhost');
}
start();
console.log(`listening ${issuer}`);
console.log(`control ${await listen(control, 0)}`);
if (fstatSync(0).isFIFO()) process.stdin.resume().on('end', () => process.exit(0));
