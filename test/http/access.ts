/** Who may ask what: each endpoint × each role × no key, an unknown, an expired, a revoked one, and one of another line. */
import { beforeAll, describe, expect, it } from "vitest";
import { type Route } from "../../src/http/route.ts";
import { ROUTES } from "../../src/http/routes/index.ts";
import { type KeyRole, ROLES } from "../../src/http/store.ts";
import type { ApiRig } from "./rig.ts";

export const access = (rigOf: () => ApiRig): void => {
  const keys: Record<string, string> = {};
  let rig: ApiRig;
  beforeAll(async () => {
    rig = rigOf();
    for (const role of ROLES) {
      keys[role] = await rig.key(role);
      keys[`${role} of help`] = await rig.key(role, ["help"]);
    }
    keys["expired"] = await rig.key("admin", null, 1);
    keys["revoked"] = await rig.key("admin");
    await rig.keys.revoke(rig.keys.list().at(-1)?.id ?? "", "operator:test");
  });

  /** Names that exist on the line `sales`, and not on `help`. */
  const PLACES: Readonly<Record<string, string>> = {
    line: "sales",
    account: "sales-2",
    device: "a",
    message: "m000",
    conversation: "sales%7Cc:1",
    failover: "f1",
    key: "none",
    alert: "device.failed%3Asales-2%2Fa",
    silence: "none",
    channel: "none",
  };
  const urlOf = ({ path }: Route): string => path.replaceAll(/\{(\w+)\}/g, (_, name: string) => PLACES[name] ?? "x");
  const ask = (route: Route, key: string | null) =>
    rig.ask(route.method, urlOf(route), { key, ...(route.method === "POST" ? { body: {} } : {}) });
  const atLeast = (role: KeyRole, needed: KeyRole): boolean => ROLES.indexOf(role) >= ROLES.indexOf(needed);

  /** Lists, and what is about the caller: answered to every key, each in what it may see. */
  const FOR_ALL = new Set(ROUTES.filter(({ path }) => !path.includes("{")).map(({ id }) => id));
  const needed = (route: Route): KeyRole => route.role ?? "viewer";

  describe.each(ROUTES.map((route) => [`${route.method} ${route.path}`, route] as const))("%s", (_, route) => {
    it.each([
      ["no key", null, "E_NO_KEY"],
      ["an unknown key", `gr_0000000000_${"a".repeat(43)}`, "E_BAD_KEY"],
      ["something else", "hunter2", "E_BAD_KEY"],
    ])("refuses %s", async (_name, key, code) => {
      expect(await ask(route, key)).toMatchObject({ status: 401, body: { code } });
    });

    it("refuses an expired and a revoked key", async () => {
      expect(await ask(route, keys["expired"] ?? "")).toMatchObject({ status: 401, body: { code: "E_KEY_EXPIRED" } });
      expect(await ask(route, keys["revoked"] ?? "")).toMatchObject({ status: 401, body: { code: "E_KEY_REVOKED" } });
    });

    it.each(ROLES)("lets in %s if that is enough", async (role) => {
      const { status, body } = await ask(route, keys[role] ?? "");
      expect({ isForbidden: status === 403, code: body.code === "E_FORBIDDEN" }).toEqual({
        isForbidden: !atLeast(role, needed(route)),
        code: !atLeast(role, needed(route)),
      });
      expect([401, 500]).not.toContain(status);
    });

    it("hides from a key of another line what is not its own", async () => {
      const { status, body } = await ask(route, keys["admin of help"] ?? "");
      const expected = route.isWhole ? [403] : FOR_ALL.has(route.id) ? [200, 201, 400] : [400, 404];
      expect(expected).toContain(status);
      expect(JSON.stringify(body)).not.toContain("sales-1");
    });
  });

  /** Written down a second time, so that nobody opens an endpoint by a slip in the table. */
  const ALLOWED: Readonly<Record<KeyRole, readonly string[]>> = {
    viewer: [
      "getStatus",
      "listLines",
      "getLine",
      "planRebalance",
      "listSeats",
      "getSeat",
      "listAccounts",
      "getAccount",
      "listDevices",
      "getDevice",
      "listLinks",
      "listMessages",
      "getMessage",
      "listConversations",
      "getConversation",
      "listFailovers",
      "getFailover",
      "replayFailover",
      "listAudit",
      "listAlerts",
      "getAlert",
      "reportAlerts",
      "listSilences",
      "listChannels",
      "listActors",
      "getAccountHealth",
      "listEvents",
      "getOwnKey",
      "getMetrics",
      "getSla",
      "listServices",
    ],
    operator: [
      "planFleet",
      "pause",
      "resume",
      "switchover",
      "failover",
      "failback",
      "drain",
      "cordon",
      "undrain",
      "linkDevice",
      "getQr",
      "unlinkDevice",
      "restartDevice",
      "sendMessage",
      "cancelMessage",
      "releaseMessage",
      "dropMessage",
      "readInbox",
      "uploadMedia",
      "getMedia",
      "getInboxMedia",
      "acknowledgeAlert",
      "addSilence",
      "endSilence",
      "testChannel",
      "listWebhooks",
      "testWebhook",
      "listDeadLetters",
      "redriveWebhook",
      "listGroups",
      "getGroup",
      "createGroup",
      "changeMembers",
      "changeGroup",
      "leaveGroup",
      "getInvitation",
      "renewInvitation",
      "lookAtInvitation",
      "joinGroup",
      "listContacts",
      "getContact",
      "describeAccount",
      "describeDevice",
      "describeLine",
      "unlinkAccount",
    ],
    admin: [
      "applyFleet",
      "listKeys",
      "createKey",
      "revokeKey",
      "addAccount",
      "changeAccount",
      "removeAccount",
      "addDevice",
      "removeDevice",
      "addLine",
      "changeLine",
      "removeLine",
      "addServant",
      "removeServant",
      "askFromTerminal",
    ],
  };

  describe("every route", () => {
    it.each(ROLES)("for %s is meant to be", (role) => {
      expect(ROUTES.filter((route) => route.role === role).map(({ id }) => id)).toEqual(ALLOWED[role]);
    });
    it("asks for a key", () => {
      expect(ROUTES.filter(({ role }) => role === null)).toEqual([]);
    });
    it("that changes something asks for more than looking", () => {
      expect(ROUTES.filter(({ method, role }) => method !== "GET" && role === "viewer")).toEqual([]);
    });
    it("has a name and a place of its own", () => {
      expect(new Set(ROUTES.map(({ id }) => id)).size).toBe(ROUTES.length);
      expect(new Set(ROUTES.map(({ method, path }) => `${method} ${path}`)).size).toBe(ROUTES.length);
    });
  });
};
