/** Requests drawn from the OpenAPI document: each gets an answer that it declares, none breaks anything, nothing of them is logged. */
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { ROUTES } from "../../src/http/routes/index.ts";
import { type Drawn, KEYS, MARK, NUMBER, requests } from "./requests.ts";
import type { ApiRig } from "./rig.ts";

const COUNT = process.env["GREENROOM_FULL"] ? 10_000 : 500;
/** Asked side by side. */
const BATCH = 10;
/** They wait for the end of a move, and two of one seat for each other: one after the other. */
const MOVES = new Set([
  "failover",
  "switchover",
  "failback",
  "drain",
  "cordon",
  "undrain",
  "unlinkAccount",
  "unlinkDevice",
  "askFromTerminal",
]);

export const fuzz = (rigOf: () => ApiRig): void => {
  let rig: ApiRig;
  const keys: Record<string, string | null> = { none: null, wrong: `gr_0000000000_${"w".repeat(43)}` };
  beforeAll(async () => {
    rig = rigOf();
    for (const name of KEYS.filter((each) => !(each in keys))) {
      const [role, line] = name.split(" of ") as ["admin", string | undefined];
      keys[name] = await rig.key(role, line === undefined ? null : [line]);
    }
  });

  /** Answers by class of status, and the routes that did what they were asked. */
  const seen = { classes: new Map<number, number>(), done: new Set<string>() };

  /** What is wrong with the answer; "": nothing. The rig holds it to what the route declares. */
  const ask = async ({ id, method, url, key, headers, body }: Drawn): Promise<string> => {
    const asked = { key: keys[key] ?? null, headers, ...(body === undefined ? {} : { body: sent(body, headers) }) };
    const { status } = await rig.ask(method, url, asked);
    const kind = Math.floor(status / 100);
    seen.classes.set(kind, (seen.classes.get(kind) ?? 0) + 1);
    if (kind === 2) seen.done.add(id);
    return kind === 5 ? `${id}: ${status}` : "";
  };
  /** What is no object, or has a type of its own, the client has to write down itself. */
  const sent = (body: unknown, headers: Drawn["headers"]): unknown =>
    "content-type" in headers || typeof body !== "object" || body === null ? JSON.stringify(body) : body;

  describe("whatever is asked", () => {
    it(`is answered as declared and without a fault, ${COUNT} times`, { timeout: 600_000 }, async () => {
      const batches = fc.array(requests, { minLength: BATCH, maxLength: BATCH });
      const property = fc.asyncProperty(batches, async (batch) => {
        const answers = await Promise.all(batch.filter(({ id }) => !MOVES.has(id)).map(ask));
        for (const move of batch.filter(({ id }) => MOVES.has(id))) answers.push(await ask(move));
        expect(answers.filter((fault) => fault !== "")).toEqual([]);
      });
      await fc.assert(property, { numRuns: COUNT / BATCH });
      // A fuzzer that is turned away at the door finds nothing behind it.
      expect(seen.classes.get(2) ?? 0).toBeGreaterThan(COUNT / 8);
      // Six requests a route are too few to find, by chance, a name that exists for each.
      expect(seen.done.size).toBeGreaterThan(ROUTES.length / (COUNT < 10 * ROUTES.length ? 3 : 2));
    });

    it("leaves nothing of a message, a number or a key in the log", () => {
      const log = rig.log.join("\n");
      expect(log.length).toBeGreaterThan(1000);
      const secrets = Object.values(keys).flatMap((secret) => (secret === null ? [] : [secret.slice(-43)]));
      for (const hidden of [MARK, NUMBER, ...secrets]) expect(log.includes(hidden)).toBe(false);
    });

    it("leaves a fleet that answers, and lets nobody else in", async () => {
      expect(await rig.ask("GET", "/v1/status")).toMatchObject({ status: 200, body: { fleet: "acme" } });
      expect(await rig.ask("GET", "/v1/status", { key: null })).toMatchObject({ status: 401 });
    });
  });
};
