/** A key for a cookie: what it opens, for how long, and for whose pages. */
import type { IncomingHttpHeaders } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LOGIN_LASTS, Logins } from "../../../src/http/dashboard-logins.ts";
import type { KeyRing } from "../../../src/http/keys.ts";
import type { KeyRow } from "../../../src/http/store.ts";
import { ApiRig } from "../../http/rig.ts";

let rig: ApiRig;
beforeAll(async () => {
  rig = await ApiRig.start({ streams: { heartbeat: 30 } });
});
afterAll(() => rig.close());

const OWN = { "sec-fetch-site": "same-origin" };
let strangers = 0;
const ask = (method: "GET" | "POST" | "DELETE", url: string, headers: Record<string, string> = {}, payload?: object) =>
  rig.api.app.inject({
    method,
    url,
    headers,
    remoteAddress: `10.9.0.${++strangers}`,
    ...(payload === undefined ? {} : { payload }),
  });
/** The cookie, as a browser sends it back. */
const login = async (key: string): Promise<string> => {
  const { statusCode, headers } = await ask("POST", "/login", OWN, { key });
  expect(statusCode).toBe(200);
  return String(headers["set-cookie"]).split(";", 1)[0] ?? "";
};

describe("the page at /", () => {
  it("may run what stands in it and nothing else, and nobody may frame it", async () => {
    const { headers, body } = await ask("GET", "/");
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    const policy = String(headers["content-security-policy"]);
    expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-[\w+/]{43}='; style-src 'sha256-[\w+/]{43}='; /);
    expect(policy).not.toContain("unsafe");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(body).toContain('<div id="app">');
  });
  it("is packed for whoever takes that, and not sent twice", async () => {
    const { headers, rawPayload } = await ask("GET", "/", { "accept-encoding": "gzip, br" });
    expect(headers["content-encoding"]).toBe("gzip");
    expect(rawPayload.length).toBeLessThan(120 * 1024);
    const again = await ask("GET", "/", { "if-none-match": String(headers["etag"]) });
    expect({ status: again.statusCode, body: again.body }).toEqual({ status: 304, body: "" });
  });
  it("tells nobody anything before the login", async () => {
    expect((await ask("GET", "/login")).json()).toEqual({ key: null });
  });
});

describe("a login", () => {
  it("is a cookie that scripts can't read, that no other site sends along, and that ends", async () => {
    const { headers } = await ask("POST", "/login", OWN, { key: await rig.key("viewer") });
    expect(headers["set-cookie"]).toMatch(/^greenroom-0=[\w-]{43}; Path=\/; Max-Age=28800; HttpOnly; SameSite=Strict$/);
  });
  it("is for encrypted connections only where there are some", async () => {
    const headers = { ...OWN, "x-forwarded-proto": "https" };
    const answer = await ask("POST", "/login", headers, { key: await rig.key("viewer") });
    expect(answer.headers["set-cookie"]).toMatch(/; Secure$/);
    const logins = new Logins(rig.keys, { isTls: true, now: () => 0 });
    const cookie = logins.open(rig.keys.list()[0] as KeyRow, { method: "POST", headers: {}, socket: { localPort: 443 } });
    expect(cookie).toMatch(/^__Host-greenroom-443=.*; Path=\/; .*; Secure$/);
  });
  it.each(["", "hunter2", `gr_0000000000_${"a".repeat(43)}`])("is refused for %j", async (key) => {
    const { statusCode, headers } = await ask("POST", "/login", OWN, { key });
    expect([400, 401]).toContain(statusCode);
    expect(headers["set-cookie"]).toBeUndefined();
  });
  it("slows down whoever guesses", async () => {
    const statuses = new Set<number>();
    for (let guess = 0; guess < 60; guess++) {
      const { statusCode } = await rig.api.app.inject({
        method: "POST",
        url: "/login",
        headers: OWN,
        remoteAddress: "10.8.0.1",
        payload: { key: `guess${guess}` },
      });
      statuses.add(statusCode);
    }
    expect(statuses).toEqual(new Set([401, 429]));
  });
  it("opens what the key opens: no more, no less", async () => {
    const cookie = await login(await rig.key("viewer", ["help"]));
    const { seats } = (await ask("GET", "/v1/seats", { cookie })).json<{ seats: { id: string }[] }>();
    expect(seats.map(({ id }) => id)).toEqual(["help/help-1"]);
    expect((await ask("POST", "/v1/pause", { cookie, ...OWN })).json()).toMatchObject({ code: "E_FORBIDDEN" });
    expect((await ask("GET", "/v1/seats/sales/sales-1", { cookie })).statusCode).toBe(404);
  });
  it("ends with its key", async () => {
    const cookie = await login(await rig.key("operator"));
    expect((await ask("GET", "/v1/status", { cookie })).statusCode).toBe(200);
    await rig.keys.revoke(rig.keys.list().at(-1)?.id ?? "", "operator:test");
    expect((await ask("GET", "/v1/status", { cookie })).json()).toMatchObject({ code: "E_NO_KEY" });
  });
  it("ends with a logout, wherever else the cookie is kept", async () => {
    const cookie = await login(await rig.key("operator"));
    const { statusCode, headers } = await ask("POST", "/logout", { cookie, ...OWN });
    expect({ statusCode, cookie: headers["set-cookie"] }).toMatchObject({
      statusCode: 204,
      cookie: expect.stringContaining("Max-Age=0"),
    });
    expect((await ask("GET", "/v1/status", { cookie })).statusCode).toBe(401);
  });
  it("takes its live stream along when it ends", async () => {
    const address = await rig.api.listen();
    const headers = { ...OWN, "content-type": "application/json" };
    const entered = await fetch(`${address}/login`, { method: "POST", headers, body: JSON.stringify({ key: rig.admin }) });
    const cookie = String(entered.headers.get("set-cookie")).split(";", 1)[0] ?? "";
    const stream = await fetch(`${address}/v1/events`, { headers: { cookie, accept: "text/event-stream" } });
    const ended = stream.text().catch(() => "cut off");
    await rig.until(() => rig.api.streams.count === 1);
    await fetch(`${address}/logout`, { method: "POST", headers: { ...OWN, cookie } });
    expect(await ended).toBe("cut off");
    expect(rig.api.streams.count).toBe(0);
  });
  it("ends after a working day", async () => {
    let now = 1000;
    const key = { id: "k" } as KeyRow;
    const ring = { isValid: () => true, list: () => [key] } as unknown as KeyRing;
    const logins = new Logins(ring, { isTls: false, now: () => now });
    const request = { method: "GET", headers: {} as IncomingHttpHeaders, socket: { localPort: 80 } };
    const cookie = logins.open(key, request).split(";", 1)[0] ?? "";
    const asking = { ...request, headers: { cookie } };
    now += LOGIN_LASTS - 1;
    expect(logins.keyOf(asking)).toBe(key);
    now += 1;
    expect(logins.keyOf(asking)).toBeUndefined();
  });
  it("is written into the audit, with whose it was", async () => {
    await login(await rig.key("viewer"));
    await rig.until(async () => (await rig.ask("GET", "/v1/audit?limit=5")).text.includes("dashboard.login"));
    expect((await rig.ask("GET", "/v1/audit?limit=5")).text).toMatch(/viewer-\d+ logged in to the dashboard, as viewer/);
  });
});

describe("a change asked for with a login", () => {
  it.each([
    ["another site", { "sec-fetch-site": "cross-site", origin: "http://evil.example" }],
    ["a neighbour of the same site", { "sec-fetch-site": "same-site" }],
    ["another site, in a browser that says little", { origin: "http://evil.example" }],
    ["another port", { origin: "http://localhost:1" }],
    ["nowhere", {}],
    ["a sandbox", { origin: "null" }],
  ])("is refused from %s", async (_, headers) => {
    const cookie = await login(rig.admin);
    for (const [method, url] of [
      ["POST", "/v1/pause"],
      ["DELETE", "/v1/keys/0000000000"],
      ["POST", "/v1/keys"],
    ] as const)
      expect((await ask(method, url, { cookie, ...headers })).json()).toMatchObject({ code: "E_FORBIDDEN" });
    for (const url of ["/login", "/logout"])
      expect((await ask("POST", url, { cookie, ...headers }, { key: rig.admin })).statusCode).toBe(403);
    expect((await rig.ask("GET", "/v1/status")).body["mode"]).toBe("automatic");
  });
  it("is taken from the dashboard's own pages", async () => {
    const cookie = await login(rig.admin);
    expect(
      (await ask("POST", "/v1/pause", { cookie, host: "fleet.example:8080", origin: "http://fleet.example:8080" })).statusCode,
    ).toBe(200);
    expect((await ask("POST", "/v1/resume", { cookie, ...OWN })).statusCode).toBe(200);
  });
  it("is no matter of cookies where a key is sent", async () => {
    const cookie = await login(await rig.key("viewer"));
    const both = { cookie, authorization: `Bearer ${rig.admin}`, origin: "http://elsewhere.example" };
    expect((await ask("POST", "/v1/resume", both)).statusCode).toBe(200);
    expect((await ask("GET", "/v1/status", { cookie, authorization: "Bearer nonsense" })).statusCode).toBe(401);
  });
});
