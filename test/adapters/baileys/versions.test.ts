import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { baileysLogger } from "../../../src/adapters/baileys/quiet.ts";
import { Versions } from "../../../src/adapters/baileys/versions.ts";

describe("the version that devices say they are", () => {
  let page = "";
  let status = 200;
  let asked = 0;
  let now = 0;
  const server = createServer((request, response) => {
    asked += 1;
    response.writeHead(request.url === "/sw.js" ? status : 404).end(page);
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const naming = (text: string, code = 200): Versions => {
    [page, status, asked] = [text, code, 0];
    return new Versions({
      own: [2, 3000, 1_000_005],
      url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws/chat`,
      allowSelfSigned: false,
      clock: { now: () => now, setTimeout: () => undefined, clearTimeout: () => undefined },
      logger: baileysLogger(pino({ level: "silent" })),
    });
  };
  const escaped = (revision: number | string): string => `x = "{\\"client_revision\\":${revision}}"`;
  const looked = async (versions: Versions): Promise<readonly number[]> => {
    now += 60_000;
    await versions.refused(versions.next);
    return versions.next;
  };

  it("is our own until it is refused, and then a newer one that the page names", async () => {
    const versions = naming(escaped(1_000_009));
    expect(versions.next).toEqual([2, 3000, 1_000_005]);
    expect(await looked(versions)).toEqual([2, 3000, 1_000_009]);
    versions.taken([2, 3000, 1_000_009]);
    page = escaped(1_000_007);
    expect(await looked(versions)).toEqual([2, 3000, 1_000_009]);
  });

  it("is our own again when the newer one is refused, or our own is taken after all", async () => {
    const versions = naming('{"client_revision": 1000009}');
    await looked(versions);
    await versions.refused([2, 3000, 1_000_009]);
    expect(versions.next).toEqual([2, 3000, 1_000_005]);
    await looked(versions);
    versions.taken([2, 3000, 1_000_005]);
    expect(versions.next).toEqual([2, 3000, 1_000_005]);
  });

  it.each([
    ["an older one", escaped(1_000_004), 200],
    ["none", "hello", 200],
    ["no number", escaped("-1e9"), 200],
    ["something endless", "x".repeat(5_000_000) + escaped(1_000_009), 200],
    ["an error", escaped(1_000_009), 503],
  ])("stays our own when the page names %s", async (_, text, code) => {
    expect(await looked(naming(text, code))).toEqual([2, 3000, 1_000_005]);
  });

  it("asks once, however many devices are refused together", async () => {
    const versions = naming(escaped(1_000_009));
    await Promise.all(Array.from({ length: 50 }, () => versions.refused([2, 3000, 1_000_005])));
    expect(versions.next).toEqual([2, 3000, 1_000_009]);
    expect(asked).toBe(1);
  });
});
