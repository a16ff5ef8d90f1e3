// Reads each line of standard input, a connection's bytes in hexadecimal, with the HTTP server of Node.js (llhttp), and writes the
// requests in it as JSON.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Duplex } from "node:stream";

let found;
let refused;
const server = createServer({ maxHeaderSize: 1 << 20, keepAliveTimeout: 0 }, take);
server.on("checkContinue", take);
server.on("clientError", (error, socket) => {
  refused = `${error.code}: ${error.reason ?? error.message}`;
  socket.destroy();
});

function take(request, response) {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    record(request, parts);
    response.end();
  });
}

function record(request, parts) {
  const fields = [];
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    fields.push([request.rawHeaders[at].toLowerCase(), request.rawHeaders[at + 1]]);
  }
  const body = Buffer.concat(parts).toString("hex");
  const whole = request.complete && request.rawTrailers.length === 0;
  found.push({ method: request.method, target: request.url, fields, body, whole });
}

// A connection in memory, which ends behind these bytes.
function connection(bytes) {
  return new Promise((resolve) => {
    const socket = new Duplex({
      read() {},
      write: (_chunk, _encoding, done) => done(),
    });
    socket.setTimeout = socket.setNoDelay = socket.setKeepAlive = () => socket;
    socket.on("close", resolve);
    server.emit("connection", socket);
    socket.push(bytes);
    socket.push(null);
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  found = [];
  refused = undefined;
  await connection(Buffer.from(line, "hex"));
  console.log(JSON.stringify(refused === undefined ? { requests: found } : { error: refused }));
}
