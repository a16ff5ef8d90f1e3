// Debian's chromium, driven by npm `playwright-core`, signs in at the development issuer's page, with scripts turned off: the
// page must not need them. What comes of it is tried at a gateway. flows.mjs says what it needs, and beside that:
//
//   CHROMIUM     the browser
//   GATEWAY      the URL of a gateway that trusts the issuer
//   SCREENSHOTS  a directory to put pictures of the page into, to be looked at; none are made without it
import assert from "node:assert/strict";
import { createServer } from "node:http";
import * as client from "openid-client";
import { chromium } from "playwright-core";
import { CALLBACK, ISSUER, flow, required } from "./flows.mjs";

// The application, as far as a browser sees it. Each request is where a sign-in ended. It may send people on from there.
const ends = [];
let onTo;
const application = createServer((request, response) => {
    const url = new URL(request.url, CALLBACK);
    if (url.pathname === new URL(CALLBACK).pathname) {
        ends.push(url);
        if (onTo) return response.writeHead(303, { location: onTo }).end();
    }
    response.setHeader("content-type", "text/html").end("<!doctype html><title>Signed in</title><p>You can close this page.");
});
await new Promise((resolve) => application.listen(new URL(CALLBACK).port, "127.0.0.1", resolve));

const browser = await chromium.launch({
    executablePath: required("CHROMIUM"),
    // Its sandbox is not to be had for root, and in many containers; it shows no page but ours.
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
});
const config = await client.discovery(new URL(ISSUER), "native", {}, client.None(), {
    execute: [client.allowInsecureRequests],
});

async function request(scope) {
    const [expectedState, pkceCodeVerifier] = [client.randomState(), client.randomPKCECodeVerifier()];
    const code_challenge = await client.calculatePKCECodeChallenge(pkceCodeVerifier);
    const parameters = { redirect_uri: CALLBACK, scope, state: expectedState, code_challenge, code_challenge_method: "S256" };
    return { url: client.buildAuthorizationUrl(config, parameters).href, checks: { expectedState, pkceCodeVerifier } };
}

// A page in a browser of its own. What the browser complains of, such as the content security policy, fails the flow.
async function open(url, settings = {}) {
    const context = await browser.newContext({ javaScriptEnabled: false, ...settings });
    const page = await context.newPage();
    const [complaints, requests] = [[], []];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(url);
    assert.equal(await page.locator("script").count(), 0);
    assert.deepEqual(requests.filter((asked) => !asked.endsWith("/favicon.ico")), [url], "the page asks for nothing else");
    return { page, complaints, close: () => context.close() };
}

async function end(page, button) {
    ends.length = 0;
    await page.getByRole("button", { name: button, exact: true }).click();
    await page.waitForURL((url) => url.href.startsWith(CALLBACK));
    assert.equal(ends.length, 1);
    return ends[0];
}

const gateway = (token) =>
    fetch(`${required("GATEWAY")}/orders/1`, { headers: { authorization: `Bearer ${token}` } }).then(({ status }) => status);

await flow("sign-in by mouse", async () => {
    const { url, checks } = await request("openid orders:read orders:write");
    const { page, complaints, close } = await open(url);
    await page.getByLabel("Alice").check();
    await page.getByLabel("orders:write").uncheck();
    const issued = await client.authorizationCodeGrant(config, await end(page, "Allow"), checks);
    assert.equal(issued.claims().sub, "alice");
    assert.deepEqual(issued.scope.split(" ").sort(), ["openid", "orders:read"]);
    assert.equal(await gateway(issued.access_token), 200);
    assert.equal(await gateway(issued.id_token), 401, "an ID token is no access token");
    assert.deepEqual(complaints, []);
    await close();
});

await flow("sign-in by keyboard", async () => {
    const { url, checks } = await request("openid orders:read");
    const { page, complaints, close } = await open(url);
    for (const key of ["Tab", "ArrowDown", "Tab", "Tab", "Enter"]) await page.keyboard.press(key);
    await page.waitForURL((url) => url.href.startsWith(CALLBACK));
    const issued = await client.authorizationCodeGrant(config, ends.at(-1), checks);
    assert.equal(issued.claims().sub, "bob");
    assert.equal(await gateway(issued.access_token), 200);
    assert.deepEqual(complaints, []);
    await close();
});

await flow("a person who says no", async () => {
    const { url, checks } = await request("openid orders:read");
    const { page, close } = await open(url);
    const denied = client.authorizationCodeGrant(config, await end(page, "Deny"), checks);
    await assert.rejects(denied, { error: "access_denied" });
    await close();
});

await flow("on to another site", async () => {
    const { url, checks } = await request("openid orders:read");
    const { page, complaints, close } = await open(url);
    onTo = `http://localhost:${new URL(CALLBACK).port}/home`; // a name is another site than an address
    await page.getByRole("button", { name: "Allow", exact: true }).click();
    await page.waitForURL(onTo);
    onTo = undefined;
    assert.equal((await client.authorizationCodeGrant(config, ends.at(-1), checks)).claims().sub, "alice");
    assert.deepEqual(complaints, []);
    await close();
});

await flow("back to the page", async () => {
    const { url, checks } = await request("openid orders:read");
    const { page, close } = await open(url);
    const first = await end(page, "Allow");
    await page.goBack(); // nothing keeps the page, and so it is asked for again
    const second = await end(page, "Allow");
    assert.notEqual(second.searchParams.get("code"), first.searchParams.get("code"));
    assert.equal((await client.authorizationCodeGrant(config, second, checks)).claims().sub, "alice");
    await close();
});

await flow("any size and colour scheme", async () => {
    const { url } = await request("openid profile email orders:read orders:write");
    for (const [name, width, colorScheme] of [["light", 1024, "light"], ["dark", 1024, "dark"], ["narrow", 320, "light"], ["narrow-dark", 320, "dark"]]) {
        const { page, close } = await open(url, { colorScheme, viewport: { width, height: 800 } });
        const { width: content } = await page.locator("main").boundingBox();
        assert.ok(content <= width, `${content} pixels in a window of ${width}`);
        for (const control of await page.locator("label, button").all()) {
            const { x, width: wide, height } = await control.boundingBox();
            assert.ok(x >= 0 && x + wide <= width && height >= 24, `${await control.textContent()} at ${width} pixels`);
        }
        if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png`, fullPage: true });
        await close();
    }
    if (process.env.SCREENSHOTS) {
        const { page, close } = await open(`${ISSUER}/authorize?client_id=nobody`);
        await page.screenshot({ path: `${process.env.SCREENSHOTS}/problem.png` });
        await close();
    }
});

await browser.close();
application.close();
