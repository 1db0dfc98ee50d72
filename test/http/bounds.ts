/** What is too large, too slow, half sent or malformed is cut off; the next request is answered. Over real sockets. */
import { writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { ControlError } from "../../src/runtime/control-protocol.ts";
import { watchArrival } from "../../src/http/arriving.ts";
import type { Api } from "../../src/http/server.ts";
import { CERTIFICATE, PRIVATE_KEY } from "./certificate.ts";
import type { ApiRig } from "./rig.ts";

export const bounds = (rigOf: () => ApiRig): void => {
  let rig: ApiRig;
  let api: Api;
  let address: string;
  beforeAll(async () => {
    rig = rigOf();
    api = rig.make({ arrivesWithin: 500 });
    address = await api.listen();
  });

  const KEY = (): string => `Authorization: Bearer ${rig.admin}\r\n`;
  /** Sends pieces, one after the other, and gives what came until the line was dead. */
  const talk = (...pieces: readonly string[]): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(Number(new URL(address).port), "127.0.0.1");
      let answer = "";
      socket.on("data", (bytes: Buffer) => {
        answer += bytes.toString();
      });
      socket.on("error", () => undefined);
      socket.on("close", () => resolve(answer));
      socket.on("connect", () => {
        for (const piece of pieces) socket.write(piece);
      });
    });

  const talkSlowly = async (head: string, pieces: AsyncIterable<string>): Promise<string> => {
    const socket = connect(Number(new URL(address).port), "127.0.0.1");
    let answer = "";
    socket.on("data", (bytes: Buffer) => {
      answer += bytes.toString();
    });
    const closed = new Promise((resolve) => socket.on("close", resolve));
    socket.on("error", () => undefined);
    socket.write(head);
    for await (const piece of pieces) socket.write(piece);
    await closed;
    return answer;
  };

  describe("a request that", () => {
    afterEach(async () => {
      expect((await fetch(`${address}/healthz`)).status).toBe(200);
    });

    it("is larger than a body may be is refused, before it is read", async () => {
      const head = `POST /v1/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${KEY()}Content-Type: application/json\r\n`;
      expect(await talk(`${head}Content-Length: 900000\r\n\r\n`, "{")).toMatch(/^HTTP\/1\.1 413 .*"code":"E_TOO_LARGE"/s);
      const chunk = `${(100_000).toString(16)}\r\n${" ".repeat(100_000)}\r\n`;
      expect(await talk(`${head}Transfer-Encoding: chunked\r\n\r\n`, chunk, chunk, chunk)).toMatch(/^HTTP\/1\.1 413 /);
    });

    it("has no key is refused before its body is read", async () => {
      const head = "POST /v1/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n";
      expect(await talk(`${head}Content-Length: 100000\r\n\r\n`)).toMatch(/^HTTP\/1\.1 401 .*"code":"E_NO_KEY"/s);
    });

    it("has headers without end is refused", async () => {
      expect(await talk(`GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ${"x".repeat(20_000)}\r\n\r\n`)).toMatch(
        /^HTTP\/1\.1 431 .*E_HEADERS_TOO_LARGE/s,
      );
    });

    it("stops half way is cut off: in its head, and in its body", async () => {
      expect(await talk("GET /healthz HTTP/1.1\r\nHost:")).toMatch(/^HTTP\/1\.1 408 .*E_SLOW/s);
      const head = `POST /v1/messages HTTP/1.1\r\nHost: x\r\n${KEY()}Content-Type: application/json\r\nContent-Length: 50\r\n\r\n`;
      expect(await talk(head, '{"line"')).toMatch(/^HTTP\/1\.1 408 .*E_SLOW/s);
    });

    it("brings media may take as long as they go on arriving, and is cut off when they do not", async () => {
      const bytes = 120_000;
      const head = `POST /v1/media HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${KEY()}Content-Length: ${bytes}\r\n\r\n`;
      // Three times as long as a document may take.
      const slowly = async function* () {
        for (let sent = 0; sent < bytes; sent += 10_000) {
          yield "x".repeat(10_000);
          await new Promise((resolve) => setTimeout(resolve, 125));
        }
      };
      expect(await talkSlowly(head, slowly())).toMatch(/^HTTP\/1\.1 201 .*"bytes":120000/s);
      expect(await talk(head, "x".repeat(60_000))).toMatch(/^HTTP\/1\.1 408 .*E_SLOW/s);
    });

    it("has arrived is awaited no longer, however long its answer takes, also where no line brought it", async () => {
      const about = { headers: { "content-length": "2" }, socket: { bytesRead: 0, destroyed: false }, complete: false };
      const arrived = Object.assign(new PassThrough({ autoDestroy: false }), about);
      let cutOff = 0;
      watchArrival(arrived as unknown as IncomingMessage, { within: 10, isLarge: false, onSlow: () => cutOff++ });
      arrived.end("{}");
      await text(arrived);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(cutOff).toBe(0);
    });

    it("is none is told so", async () => {
      expect(await talk("hello\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json.*E_BAD_REQUEST/s);
      expect(await talk(`GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 .*E_BAD_REQUEST/s);
    });
  });

  describe("a body that", () => {
    const post = (body: string, type = "application/json") =>
      rig.ask("POST", "/v1/messages", { body, headers: { "content-type": type } });

    it.each([
      ['{"line": "help", "text": "hunter2', 400, "E_BAD_JSON"],
      ["", 400, "E_BAD_JSON"],
      ['{"__proto__": {"line": "help"}}', 400, "E_BAD_JSON"],
      ["[]", 400, "E_BAD_REQUEST"],
      ["null", 400, "E_BAD_REQUEST"],
      ['"hunter2"', 400, "E_BAD_REQUEST"],
    ])("is %j is refused, and not shown", async (body, status, code) => {
      const answer = await post(body);
      expect(answer).toMatchObject({ status, body: { code } });
      expect(answer.text).not.toContain("hunter2");
    });

    it("is no JSON is refused", async () => {
      expect(await post("line=help", "application/x-www-form-urlencoded")).toMatchObject({
        status: 415,
        body: { code: "E_MEDIA_TYPE" },
      });
      expect(await post("hello", "text/plain")).toMatchObject({ status: 415 });
    });
  });

  describe("an address that", () => {
    it("is nowhere is not found, and one of another method says which", async () => {
      expect(await rig.ask("GET", "/v1/nothing?key=hunter2")).toMatchObject({ status: 404, body: { code: "E_NOT_FOUND" } });
      const other = await rig.ask("DELETE", "/v1/messages");
      expect(other).toMatchObject({ status: 405, body: { code: "E_METHOD" }, headers: { allow: "POST, GET" } });
      expect(await rig.ask("GET", `/v1/messages/${"m".repeat(700)}`)).toMatchObject({ status: 414 });
    });
  });

  describe("every answer", () => {
    it("has the headers that keep a browser from mischief, and none that lets other pages in", async () => {
      for (const path of ["/healthz", "/v1/status", "/nowhere", "/openapi.json"]) {
        const { headers } = await rig.ask("GET", path);
        expect(headers).toMatchObject({
          "cache-control": "no-store",
          "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
          "referrer-policy": "no-referrer",
          "x-content-type-options": "nosniff",
          "x-frame-options": "DENY",
        });
        expect(Object.keys(headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
      }
      expect((await rig.ask("GET", "/docs")).headers["content-security-policy"]).toMatch(
        /^default-src 'none'; style-src 'sha256-/,
      );
    });
  });

  describe("who asks too much", () => {
    it("waits, by key; strangers by address; nobody for anybody else", async () => {
      const api = rig.make({ config: { rateLimit: { perSecond: 0.1, burst: 3 } } });
      const [one, other] = [await rig.key("viewer"), await rig.key("viewer")];
      const ask = (key: string, from?: string) =>
        rig.ask("GET", "/v1/key", { api, key, ...(from === undefined ? {} : { from }) });
      const statuses = [];
      for (let n = 0; n < 5; n++) statuses.push((await ask(one)).status);
      expect(statuses).toEqual([200, 200, 200, 429, 429]);
      expect(await ask(one)).toMatchObject({ body: { code: "E_RATE" }, headers: { "retry-after": "10" } });
      expect((await ask(other)).status).toBe(200);
      const guesses = [];
      for (let n = 0; n < 60; n++) guesses.push((await ask(`guess-${n}`, "192.0.2.1")).status);
      expect(guesses.slice(0, 50)).toEqual(Array.from({ length: 50 }, () => 401));
      expect(guesses.at(-1)).toBe(429);
      expect((await ask(other, "192.0.2.1")).status).toBe(200);
    });
  });

  describe("an answer that", () => {
    it("does not come in time is said to be late", async () => {
      // Whether sales-2 can take its seat is looked at for two seconds.
      const hasty = rig.make({ answerWithin: 50 });
      const late = await rig.ask("POST", "/v1/seats/sales/sales-2/failback", { api: hasty, body: {} });
      expect(late).toMatchObject({ status: 504, body: { code: "E_TIMEOUT" } });
    });
  });

  describe("TLS", () => {
    it("is spoken with the files of the fleet file, and a file that is not there stops the start", async () => {
      const [cert, key] = [join(rig.folder, "cert.pem"), join(rig.folder, "key.pem")];
      writeFileSync(cert, CERTIFICATE);
      writeFileSync(key, PRIVATE_KEY);
      const url = await rig.make({ config: { tls: { cert, key } } }).listen();
      expect(url).toMatch(/^https:/);
      const headers = await new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
        const asked = request(`${url}/healthz`, { rejectUnauthorized: false }, (response) => {
          response.resume();
          resolve(response.headers);
        });
        asked.on("error", reject);
        asked.end();
      });
      expect(headers["strict-transport-security"]).toBe("max-age=31536000");
      const wrong = () => rig.make({ config: { tls: { cert, key: `${key}.none` } } });
      expect(wrong).toThrow(ControlError);
      expect(wrong).toThrow(/api\.tls\.key: .*key\.pem\.none can't be read/);
    });

    it("or not, an address that is taken is named", async () => {
      const second = rig.make({ config: { port: Number(new URL(address).port) } });
      await expect(second.listen()).rejects.toThrow(/can't listen on 127\.0\.0\.1:\d+.*EADDRINUSE.*Choose another api\.port/);
    });
  });
};
