// What the scripts in this folder share: where the issuer is, a sign-in without a browser, and flows that are told by name.
//
//   ISSUER       the tenant's issuer URL
//   CALLBACK     the redirect URI of its applications
//   SIGNING_KEY  the private key of the application `signer`, PKCS #8 in PEM
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";

export const ISSUER = required("ISSUER");
export const CALLBACK = required("CALLBACK");

export function required(name) {
    const value = process.env[name];
    assert.ok(value, `${name} is not set`);
    return value;
}

// Runs one flow after the other. What goes wrong ends the process, with the flow's name and the reason.
export async function flow(name, steps) {
    try {
        await steps();
    } catch (error) {
        console.error(`flow "${name}" failed`);
        // The whole of an error can hold requests and answers, and so tokens.
        for (let cause = error; cause; cause = cause.cause instanceof Error ? cause.cause : undefined) {
            console.error(cause.stack, cause.code ?? "", cause.error ?? "", cause.error_description ?? "");
        }
        process.exit(1);
    }
    console.log(`flow: ${name}`);
}

export async function signingKey() {
    const der = Buffer.from(required("SIGNING_KEY").replace(/-----[A-Z ]+-----|\s/g, ""), "base64");
    return webcrypto.subtle.importKey("pkcs8", der, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
}

// Signs alice in as a browser would: shows the page, keeps its cookie, fills in the form as it stands and sends it. Answers
// with where the browser is sent.
export async function signIn(url, decision = "allow") {
    const shown = await fetch(url, { redirect: "manual" });
    const html = await shown.text();
    assert.equal(shown.status, 200, html);
    const cookie = shown.headers.getSetCookie().map((line) => line.split(";")[0]).join("; ");
    assert.match(cookie, /^[a-z_]+=/);

    const form = new URLSearchParams({ decision });
    for (const [input] of html.matchAll(/<input [^>]*>/g)) {
        const { type, name, value } = Object.fromEntries([...input.matchAll(/(\w+)="([^"]*)"/g)].map((pair) => pair.slice(1)));
        if (type === "radio" ? value === "alice" : !/ disabled/.test(input)) form.append(name, value);
    }
    assert.equal(form.get("person"), "alice");
    const action = new URL(html.match(/<form method="post" action="([^"]+)"/)[1], url);
    const sent = await fetch(action, { method: "POST", body: form, headers: { cookie }, redirect: "manual" });
    assert.ok([302, 303].includes(sent.status), `the form is answered with ${sent.status}`);
    const location = new URL(sent.headers.get("location"));
    assert.equal(location.origin + location.pathname, CALLBACK);
    return location;
}
