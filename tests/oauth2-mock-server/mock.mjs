// The authorization server that tests/interop runs Bearward against where a server has to be at fault: npm
// `oauth2-mock-server`, whose tokens are untyped and whose answers can be anything.
//
//   npm ci --ignore-scripts && node mock.mjs
//
// It prints `listening http://127.0.0.1:PORT` (the issuer) and `control http://127.0.0.1:PORT`, and ends when a pipe at
// its standard input is closed, so that it cannot outlive the test that started it. The control server takes JSON:
//
//   POST /keys     {alg, kid}         a new signing key; in place of the one with this kid, if there is one
//   POST /token    {header, payload}  a token with these over what the server says by itself, by the next key in turn
//   POST /answers  {TOKEN: answer}    how introspection answers for a token from now on: {body, headers, statusCode}, or
//                                     {raw, hold}: these bytes, after which the connection is closed or held
//   GET  /counts                      how many requests each path of the issuer has had

import { fstatSync } from 'node:fs';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { OAuth2Issuer, OAuth2Service } from 'oauth2-mock-server';

const issuer = new OAuth2Issuer();
const service = new OAuth2Service(issuer);
const answers = {};
const counts = {};

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, issuer.url);
  counts[pathname] = (counts[pathname] ?? 0) + 1;
  if (pathname !== '/introspect') return service.requestHandler(request, response);
  request.answer = answers[new URLSearchParams(await text(request)).get('token')] ?? {};
  const { raw, hold } = request.answer;
  if (raw === undefined) return service.requestHandler(request, response);
  return hold ? request.socket.write(raw) : request.socket.end(raw);
});

service.on('beforeIntrospect', (said, request) => {
  const { headers, ...answer } = request.answer;
  Object.assign(said, answer);
  request.res.set(headers ?? {});
});

const control = createServer(async (request, response) => {
  try {
    const sent = JSON.parse((await text(request)) || 'null');
    let answer;
    switch (`${request.method} ${request.url}`) {
      case 'POST /keys': answer = await issuer.keys.generate(sent.alg, { kid: sent.kid }); break;
      case 'POST /token': answer = { token: await issuer.buildToken({ scopesOrTransform: over(sent) }) }; break;
      case 'POST /answers': answer = Object.assign(answers, sent); break;
      case 'GET /counts': answer = counts; break;
      default: response.writeHead(404).end(); return;
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  } catch (error) {
    response.writeHead(500).end(error.stack);
  }
});

const over = (sent) => (header, payload) => {
  Object.assign(header, sent.header);
  Object.assign(payload, sent.payload);
};

const listen = (what) => new Promise((resolve, reject) => {
  what.once('error', reject).listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${what.address().port}`));
});
issuer.url = await listen(server);
console.log(`listening ${issuer.url}`);
console.log(`control ${await listen(control)}`);
if (fstatSync(0).isFIFO()) process.stdin.resume().on('end', () => process.exit(0));
