/** What the endpoints do, on a fleet that links, serves and acks at once. */
import { beforeAll, describe, expect, it } from "vitest";
import { type ApiRig, PHONE } from "./rig.ts";

export const endpoints = (rigOf: () => ApiRig): void => {
  let rig: ApiRig;
  let viewer: string;
  let help: string;
  beforeAll(async () => {
    rig = rigOf();
    viewer = await rig.key("viewer");
    help = await rig.key("operator", ["help"]);
  });

  const TO = "+49 170 1234567";
  const post = (url: string, body: unknown = {}, name?: string, key?: string) =>
    rig.ask("POST", url, {
      body,
      ...(key === undefined ? {} : { key }),
      headers: name === undefined ? {} : { "idempotency-key": name },
    });
  const send = (body: object = {}, name?: string) => post("/v1/messages", { line: "help", to: TO, text: "hello", ...body }, name);
  const get = (url: string, key?: string) => rig.ask("GET", url, key === undefined ? {} : { key });
  const stateOf = async (id: string): Promise<string> => (await get(`/v1/messages/${id}`)).body["state"] as unknown as string;

  it("an account tells when its phone was seen, and since when it has confirmed nothing", async () => {
    expect((await get("/v1/accounts/sales-2")).body).toMatchObject({ account: { phone: PHONE } });
    expect((await get("/v1/accounts/sales-1")).body).toMatchObject({ account: { phone: { ...PHONE, unseenSince: null } } });
  });

  describe("a change of the fleet", () => {
    const last = () => rig.edits.at(-1);

    it("depends on what was looked at, if the client says so: ETag and If-Match", async () => {
      const etag = `"${rig.tag}"`;
      for (const url of [
        "/v1/fleet/plan",
        "/v1/accounts",
        "/v1/accounts/sales-1",
        "/v1/devices",
        "/v1/devices/sales-1/a",
        "/v1/lines",
        "/v1/lines/help",
      ])
        expect({ url, etag: (await get(url)).headers["etag"] }).toEqual({ url, etag });
      const ask = (method: "POST" | "DELETE", url: string, match: string, body?: object) =>
        rig.ask(method, url, { headers: { "if-match": match }, ...(body === undefined ? {} : { body }) });
      const before = rig.edits.length;
      for (const [method, url, body] of [
        ["POST", "/v1/accounts", { account: "sales-7" }],
        ["POST", "/v1/lines/help/settings", { failback: "manual" }],
        ["POST", "/v1/lines/help/servants", { account: "sales-7" }],
        ["POST", "/v1/accounts/sales-1/about", { name: "North" }],
        ["DELETE", "/v1/devices/sales-1/a", undefined],
      ] as const)
        for (const match of ['"tag-0"', 'W/"tag-1"', "tag-1", ""])
          expect(await ask(method, url, match, body)).toMatchObject({ status: 412, body: { code: "E_CHANGED" } });
      expect(rig.edits).toHaveLength(before);
      for (const match of [etag, `"tag-0", ${etag}`, "*"])
        expect(await ask("POST", "/v1/accounts", match, { account: "sales-7" })).toMatchObject({
          status: 200,
          headers: { etag },
        });
      expect(rig.edits).toHaveLength(before + 3);
    });
    it.each([
      [
        "POST",
        "/v1/accounts",
        { account: "sales-3", lines: ["sales"] },
        { kind: "account.add", account: "sales-3", role: "master", devices: ["a"], lines: ["sales"] },
      ],
      [
        "POST",
        "/v1/accounts/sales-1/settings",
        { pacing: null, role: "servant" },
        { kind: "account.change", account: "sales-1", pacing: null, role: "servant" },
      ],
      ["DELETE", "/v1/accounts/sales-2?force=true", undefined, { kind: "account.remove", account: "sales-2" }],
      ["POST", "/v1/accounts/sales-2/devices", { device: "b" }, { kind: "device.add", account: "sales-2", device: "b" }],
      ["DELETE", "/v1/devices/sales-1/b", undefined, { kind: "device.remove", device: "sales-1/b" }],
      ["POST", "/v1/lines", { line: "new", masters: ["help-1"] }, { kind: "line.add", line: "new", masters: ["help-1"] }],
      [
        "POST",
        "/v1/lines/sales/settings",
        { failback: "automatic" },
        { kind: "line.change", line: "sales", failback: "automatic" },
      ],
      ["DELETE", "/v1/lines/help", undefined, { kind: "line.remove", line: "help" }],
      [
        "POST",
        "/v1/lines/help/servants",
        { account: "bulk-2" },
        { kind: "servant.add", line: "help", account: "bulk-2", devices: ["a"] },
      ],
      ["DELETE", "/v1/lines/help/servants/bulk-1", undefined, { kind: "servant.remove", line: "help", account: "bulk-1" }],
      ["POST", "/v1/accounts/sales-1/about", { name: "Berlin" }, { kind: "describe", subject: "sales-1", name: "Berlin" }],
      [
        "POST",
        "/v1/devices/sales-1/b/about",
        { labels: ["spare"] },
        { kind: "describe", subject: "sales-1/b", labels: ["spare"] },
      ],
      ["POST", "/v1/lines/sales/about", { name: null }, { kind: "describe", subject: "sales", name: null }],
    ] as const)("%s %s asks for what it says", async (method, url, body, edit) => {
      const { status } = await rig.ask(method, url, body === undefined ? {} : { body });
      expect({ status, edit: last() }).toEqual({ status: 200, edit });
    });

    it("names what is not there, lets an operator name what is its lines' own, and shows where the file differs", async () => {
      expect(await rig.ask("DELETE", "/v1/accounts/nobody")).toMatchObject({ status: 404, body: { code: "E_UNKNOWN_ACCOUNT" } });
      expect(await post("/v1/accounts/help-1/about", { name: "Help" }, undefined, help)).toMatchObject({ status: 200 });
      expect(await post("/v1/accounts/bulk-1/about", { name: "Bulk" }, undefined, help)).toMatchObject({ status: 403 });
      expect(await post("/v1/accounts/help-1/unlink")).toMatchObject({ status: 409, body: { code: "E_REFUSED" } });
      const { body } = await get("/v1/status", viewer);
      expect(body["drift"]).toEqual({ changes: 0, restart: 0, isWrong: false });
    });
  });

  describe("a message", () => {
    it("is taken with 202 once it is durable, and followed to its ack", async () => {
      const { status, body, headers } = await send();
      expect({ status, line: body["line"], seat: body["seat"], duplicate: body["duplicate"] }).toEqual({
        status: 202,
        line: "help",
        seat: "help/help-1",
        duplicate: false,
      });
      expect(headers["location"]).toBe(`/v1/messages/${String(body["id"])}`);
      await rig.until(async () => (await stateOf(String(body["id"]))) === "acknowledged");
      expect((await get(String(headers["location"]))).body).toMatchObject({
        content: { kind: "text", text: "hello" },
        conversation: expect.stringMatching(/^help\|c:\d+$/),
        waId: expect.stringMatching(/^3EB0/),
      });
    });

    it("is the same message however often it is asked for under one Idempotency-Key", async () => {
      const first = await send({}, "order-17");
      const again = await send({}, "order-17");
      expect(again).toMatchObject({ status: 202, body: { id: first.body["id"], duplicate: true } });
      expect(await send({ text: "another" }, "order-17")).toMatchObject({ status: 422, body: { code: "E_KEY_REUSED" } });
      expect(await send({ to: "+49 170 7654321" }, "order-17")).toMatchObject({ status: 422, body: { code: "E_KEY_REUSED" } });
      expect(await send({}, "two words")).toMatchObject({
        status: 400,
        body: { detail: expect.stringMatching(/^headers\.idempotency-key/) },
      });
    });

    it("is for the region that it names", async () => {
      expect(await send({ region: "eu" })).toMatchObject({ status: 202 });
      expect(await send({ region: "mars" })).toMatchObject({
        status: 400,
        body: { code: "E_BAD_REQUEST", detail: expect.stringContaining('help has no region "mars", but eu') },
      });
    });

    it.each([
      [{ kind: "location", latitude: 52.5, longitude: 13.4, name: "here" }],
      [{ kind: "contact", name: "Ann", phone: "+49 170 1112223" }],
      [{ kind: "reaction", to: "3EB0AAAA", emoji: "👍" }],
      [{ kind: "document", data: Buffer.from("a,b\n1,2\n").toString("base64"), mimetype: "text/csv", fileName: "a.csv" }],
      [{ kind: "raw", proto: Buffer.from([0x0a, 0x02, 0x68, 0x69]).toString("base64") }],
    ])("of another kind is taken, too, and its repetition known: %j", async (content) => {
      const name = `kind-${content.kind}`;
      const body = { line: "help", to: TO, content };
      const first = await post("/v1/messages", body, name);
      expect(first.status).toBe(202);
      expect((await get(`/v1/messages/${String(first.body["id"])}`)).body).toMatchObject({ content: { kind: content.kind } });
      expect(await post("/v1/messages", body, name)).toMatchObject({ status: 202, body: { duplicate: true } });
    });

    it.each([
      [{ kind: "contact", name: "Ann", phone: "+49 170 1112223" }, { phone: "+49 170 1112224" }],
      [{ kind: "location", latitude: 52.5, longitude: 13.4 }, { address: "Unter den Linden" }],
      [{ kind: "reaction", to: "3EB0AAAA", emoji: "👍" }, { to: "3EB0BBBB" }],
      [{ kind: "text", text: "yes", replyTo: "3EB0AAAA" }, { replyTo: "3EB0BBBB" }],
      [{ kind: "document", data: Buffer.from("a,b").toString("base64") }, { fileName: "b.csv" }],
      [{ kind: "document", data: Buffer.from("a,b").toString("base64") }, { data: Buffer.from("c,d").toString("base64") }],
    ])("is another one under a known Idempotency-Key whatever of its content differs: %j, %j", async (content, other) => {
      const name = `differs-${JSON.stringify([content.kind, Object.keys(other)])}`;
      const first = await post("/v1/messages", { line: "help", to: TO, content }, name);
      expect(await post("/v1/messages", { line: "help", to: TO, content }, name)).toMatchObject({
        status: 202,
        body: { id: first.body["id"], duplicate: true },
      });
      expect(await post("/v1/messages", { line: "help", to: TO, content: { ...content, ...other } }, name)).toMatchObject({
        status: 422,
        body: { code: "E_KEY_REUSED" },
      });
    });

    it("is another one under a known key from a terminal, too", async () => {
      const first = await send({}, "order-18");
      const again = (text: string) =>
        post("/v1/terminal", { op: "send", request: { line: "help", to: TO, text, key: "order-18" } }, undefined, rig.admin);
      expect(await again("hello")).toMatchObject({ status: 200, body: { answer: { id: first.body["id"], duplicate: true } } });
      expect(await again("another")).toMatchObject({ status: 422, body: { code: "E_KEY_REUSED" } });
    });

    it("that answers one of ours is the same however that one is called", async () => {
      const { body: asked } = await send({ text: "which one?" });
      const { waId } = (await get(`/v1/messages/${String(asked["id"])}`)).body as unknown as { waId: string };
      const answer = (replyTo: string) => send({ text: "this one", replyTo }, "answer-1");
      const first = await answer(waId);
      expect(await answer(String(asked["id"]))).toMatchObject({ body: { id: first.body["id"], duplicate: true } });
    });

    it.each([
      [{ line: "salse" }, 404, "E_UNKNOWN_LINE", /there is no line salse.*"sales"/],
      [{ to: "0170 1234567" }, 400, "E_BAD_REQUEST", /is no recipient/],
      [{ text: "" }, 400, "E_BAD_REQUEST", /^body/],
      [{ colour: "green" }, 400, "E_BAD_REQUEST", /^body: .*colour/],
      [{ text: undefined }, 400, "E_BAD_REQUEST", /^body\.text: .*; or body\.content: /],
      [{ content: { kind: "text", text: "twice" } }, 400, "E_BAD_REQUEST", /^body: .*content.*; or body: .*text/],
      [{ text: undefined, content: { kind: "sticker" } }, 400, "E_BAD_REQUEST", /^body\.content\.kind: .*'image'/],
      [{ priority: 10 }, 400, "E_BAD_REQUEST", /^body/],
      [{ text: undefined, content: { kind: "image", file: "/etc/passwd" } }, 400, "E_BAD_REQUEST", /^body\.content: .*file/],
      [{ text: undefined, content: { kind: "image", data: "AAAA" } }, 400, "E_BAD_REQUEST", /content\./],
      [{ text: undefined, content: { kind: "raw", proto: "/////w==" } }, 400, "E_BAD_REQUEST", /no WhatsApp message/],
    ])("is refused at the door: %j", async (body, status, code, detail) => {
      expect(await send(body)).toMatchObject({ status, body: { code, detail: expect.stringMatching(detail) } });
    });

    it("is listed by conversation, seat, line and state, in pages, newest first", async () => {
      const numbers = Array.from({ length: 5 }, (_, n) => `+49 170 000000${n}`);
      for (const to of numbers) await send({ to, line: "sales" });
      const ids: string[] = [];
      let next: string | null = "";
      while (next !== null) {
        const page = await get(`/v1/messages?line=sales&limit=2${next === "" ? "" : `&cursor=${next}`}`);
        ids.push(...(page.body["messages"] as unknown as { id: string }[]).map(({ id }) => id));
        next = page.body["next"] as unknown as string | null;
      }
      expect(ids).toEqual(ids.toSorted((a, b) => (a < b ? 1 : -1)));
      expect(ids.length).toBe(5);
      const [one] = (await get("/v1/messages?line=sales&limit=1")).body["messages"] as unknown as {
        conversation: string;
        seat: string;
      }[];
      const byConversation = await get(`/v1/messages?conversation=${encodeURIComponent(one?.conversation ?? "")}`);
      expect(byConversation.body["messages"]).toHaveLength(1);
      expect((await get(`/v1/messages?seat=${one?.seat ?? ""}&state=held,failed`)).body["messages"]).toEqual([]);
      expect(await get("/v1/messages?cursor=bm9wZQ")).toMatchObject({
        status: 400,
        body: { detail: expect.stringMatching(/^query\.cursor/) },
      });
      expect(await get("/v1/messages?state=gone")).toMatchObject({ status: 400 });
      expect(await get("/v1/messages?conversation=sales%7Cc:999")).toMatchObject({
        status: 404,
        body: { code: "E_UNKNOWN_CONVERSATION" },
      });
    });

    it("shows its content and number to who may act, and to no viewer", async () => {
      const { body } = await send({ text: "between us" });
      const id = String(body["id"]);
      expect((await get(`/v1/messages/${id}`, viewer)).text).not.toContain("between us");
      expect((await get("/v1/messages", viewer)).text).not.toContain("between us");
      const { conversation } = (await get(`/v1/messages/${id}`)).body as unknown as { conversation: string };
      const url = `/v1/conversations/${encodeURIComponent(conversation)}`;
      expect((await get(url)).body).toMatchObject({ pn: "491701234567@s.whatsapp.net", seat: "help/help-1" });
      expect((await get(url, viewer)).body).toMatchObject({ pn: null, lid: null });
      expect((await get("/v1/conversations?line=help")).body["conversations"]).toContainEqual(
        expect.objectContaining({ id: conversation }),
      );
    });

    it("of another line is not there for a key that is bound to one", async () => {
      const { body } = await send({ line: "sales" });
      const id = String(body["id"]);
      expect(await get(`/v1/messages/${id}`, help)).toMatchObject({ status: 404, body: { code: "E_UNKNOWN_MESSAGE" } });
      expect(await post("/v1/messages", { line: "sales", to: TO, text: "x" }, undefined, help)).toMatchObject({
        status: 404,
        body: { code: "E_UNKNOWN_LINE", detail: expect.not.stringMatching(/sales-1/) },
      });
      expect((await get("/v1/messages", help)).text).not.toContain('"line":"sales"');
      expect(await get("/v1/messages?line=sales", help)).toMatchObject({ status: 404 });
    });

    it("that has not left is called back: it fails, and is never sent; what has left is not", async () => {
      const sent = String((await send()).body["id"]);
      await rig.until(async () => (await stateOf(sent)) === "acknowledged");
      expect(await post(`/v1/messages/${sent}/cancel`)).toMatchObject({
        status: 409,
        body: { detail: expect.stringMatching(/can't be called back: WhatsApp has it/) },
      });
      expect(await post("/v1/messages/m0nothing/cancel")).toMatchObject({ status: 404, body: { code: "E_UNKNOWN_MESSAGE" } });
      rig.links.preparing = [];
      const id = String((await send()).body["id"]);
      expect(await post(`/v1/messages/${id}/cancel`)).toMatchObject({
        status: 200,
        body: { state: "failed", reason: "cancelled by an operator" },
      });
      rig.links.refuse();
      const next = String((await send()).body["id"]);
      await rig.until(async () => (await stateOf(next)) === "acknowledged");
      expect(await stateOf(id)).toBe("failed");
    });

    it("that is not held waits for no word", async () => {
      const { body } = await send();
      const id = String(body["id"]);
      await rig.until(async () => (await stateOf(id)) === "acknowledged");
      expect(await post(`/v1/messages/${id}/release`)).toMatchObject({
        status: 409,
        body: { detail: expect.stringMatching(/only a held message/) },
      });
      expect(await post("/v1/messages/m0nothing/drop")).toMatchObject({ status: 404, body: { code: "E_UNKNOWN_MESSAGE" } });
    });
  });

  describe("the inbox", () => {
    it("has what people wrote, once, in order, with where an answer goes", async () => {
      await rig.receive("help-1/a", "491709999999@s.whatsapp.net", "is anybody there?");
      await rig.receive("help-1/a", "491709999999@s.whatsapp.net", "hello?");
      const first = await get("/v1/inbox?limit=1");
      expect(first.body["messages"]).toMatchObject([
        { line: "help", seat: "help/help-1", chat: "491709999999@s.whatsapp.net", kind: "text", text: "is anybody there?" },
      ]);
      const second = await get(`/v1/inbox?after=${String(first.body["next"])}`);
      expect(second.body["messages"]).toMatchObject([{ text: "hello?" }]);
      const end = String(second.body["next"]);
      expect((await get(`/v1/inbox?after=${end}`)).body).toEqual({ messages: [], next: Number(end) });
      const [{ chat, id }] = second.body["messages"] as unknown as [{ chat: string; id: string }];
      expect((await send({ to: chat, replyTo: id })).status).toBe(202);
    });

    it("is read by conversation, too", async () => {
      const { next } = (await get("/v1/inbox?limit=200")).body as unknown as { next: number };
      await rig.receive("help-1/a", "491709999997@s.whatsapp.net", "one of mine");
      await rig.receive("help-1/a", "491709999996@s.whatsapp.net", "of another");
      await rig.receive("help-1/a", "491709999997@s.whatsapp.net", "another of mine");
      const all = (await get(`/v1/inbox?after=${next}`)).body as unknown as {
        messages: { conversation: string }[];
        next: number;
      };
      const mine = `/v1/inbox?after=${next}&conversation=${encodeURIComponent(all.messages[0]?.conversation ?? "")}`;
      expect((await get(mine)).body).toMatchObject({
        messages: [{ text: "one of mine" }, { text: "another of mine" }],
        next: all.next,
      });
      expect(await get(`/v1/inbox?conversation=help%7Cc:999`)).toMatchObject({
        status: 404,
        body: { code: "E_UNKNOWN_CONVERSATION" },
      });
      expect(
        await get(
          `/v1/inbox?conversation=${encodeURIComponent(all.messages[0]?.conversation ?? "")}`,
          await rig.key("operator", ["sales"]),
        ),
      ).toMatchObject({ status: 404 });
    });

    it("is waited for, by those who may read it", async () => {
      const { next } = (await get("/v1/inbox")).body as unknown as { next: number };
      const mine = rig.ask("GET", `/v1/inbox?after=${next}&wait=20`, { key: help });
      await rig.receive("sales-1/a", "491709999998@s.whatsapp.net", "for sales");
      await rig.receive("help-1/a", "491709999999@s.whatsapp.net", "for help");
      expect((await mine).body).toMatchObject({ messages: [{ text: "for help" }] });
      expect((await get(`/v1/inbox?after=${next}`, viewer)).status).toBe(403);
      const begun = performance.now();
      expect((await get(`/v1/inbox?after=${next + 2}&wait=1`)).body["messages"]).toEqual([]);
      expect(performance.now() - begun).toBeGreaterThan(900);
    });
  });

  describe("contacts", () => {
    it("are whom a line speaks to, found by id, LID and number, and not there for another line's key", async () => {
      await send({ to: "+49 170 5550001" });
      await rig.receive("help-1/a", "991122334455@lid", "hello");
      await rig.until(async () => (await get("/v1/inbox?limit=200")).text.includes("991122334455"));
      const { body } = await get("/v1/contacts?line=help&limit=200");
      const all = body["contacts"] as unknown as { id: string; lid: string | null; pn: string | null }[];
      const one = all.find(({ pn }) => pn === "491705550001@s.whatsapp.net");
      const other = all.find(({ lid }) => lid === "991122334455@lid");
      expect(one).toMatchObject({ lid: null, country: null, conversations: [`help|${one?.id}`] });
      for (const named of [one?.id, "+491705550001", "491705550001@s.whatsapp.net"])
        expect((await get(`/v1/contacts/${encodeURIComponent(named ?? "")}`)).body).toEqual(one);
      expect((await get("/v1/contacts/991122334455@lid")).body).toEqual(other);
      expect(await get("/v1/contacts/+491709990000")).toMatchObject({ status: 404, body: { code: "E_NOT_FOUND" } });
      expect(await get("/v1/contacts/nobody")).toMatchObject({ status: 400 });
      const sales = await rig.key("operator", ["sales"]);
      expect(await get(`/v1/contacts/${one?.id}`, sales)).toMatchObject({ status: 404 });
      expect(await get("/v1/contacts?line=help", sales)).toMatchObject({ status: 404, body: { code: "E_UNKNOWN_LINE" } });
    });
  });

  describe("groups", () => {
    const SEAT = "help/help-1";
    const GROUP = "120363000000000001@g.us";
    const info = {
      id: GROUP,
      subject: "Friends",
      description: null,
      owner: null,
      createdAt: 1,
      announce: false,
      locked: false,
      members: [],
    };

    it("are those of the account that speaks for a seat: listed, looked at, made and changed, with an audit entry", async () => {
      const asked: unknown[] = [];
      rig.groups = {
        ...rig.groups,
        list: async () => [info],
        info: async (id) => ({ ...info, id }),
        create: async (subject, members) => {
          asked.push([subject, members]);
          return info;
        },
        change: async (id, action, members) => {
          asked.push([id, action, members]);
          return [{ id: members[0] ?? "", done: false, code: "403" }];
        },
      };
      expect((await get(`/v1/groups?seat=${SEAT}`)).body).toEqual({ groups: [info] });
      expect((await get(`/v1/groups/${GROUP}?seat=${SEAT}`)).body).toEqual(info);
      const made = await post("/v1/groups", { seat: SEAT, subject: "Friends", members: ["+49 170 1234567", "17@lid"] });
      expect(made).toMatchObject({ status: 201, body: info });
      const change = { seat: SEAT, action: "add", members: ["491701234567"] };
      expect(await post(`/v1/groups/${GROUP}/members`, change)).toMatchObject({
        status: 200,
        body: { members: [{ done: false, code: "403" }] },
      });
      expect(asked).toEqual([
        ["Friends", ["491701234567@s.whatsapp.net", "17@lid"]],
        [GROUP, "add", ["491701234567@s.whatsapp.net"]],
      ]);
      const { text } = await get(`/v1/audit?subject=${SEAT}`);
      expect(text).toMatch(/group\.created/);
      expect(text).not.toContain("491701234567");
    });

    it("have settings, an invitation and a door: each asked of WhatsApp as it is meant, and in the audit without the code", async () => {
      const asked: unknown[] = [];
      rig.groups = {
        ...rig.groups,
        set: async (id, settings) => {
          asked.push([id, settings]);
          return { ...info, announce: true };
        },
        leave: async (id) => void asked.push(id),
        invited: async (code) => {
          asked.push(code);
          return info;
        },
        join: async (code) => {
          asked.push(code);
          return code === "closedGroup" ? null : GROUP;
        },
      };
      const settings = { seat: SEAT, announce: true, description: null };
      expect(await post(`/v1/groups/${GROUP}/settings`, settings)).toMatchObject({ status: 200, body: { announce: true } });
      expect(await post(`/v1/groups/${GROUP}/settings`, { seat: SEAT })).toMatchObject({
        status: 400,
        body: { detail: expect.stringMatching(/nothing to change/) },
      });
      expect((await get(`/v1/groups/${GROUP}/invitation?seat=${SEAT}`)).body).toEqual({
        code: "loopback1",
        link: "https://chat.whatsapp.com/loopback1",
      });
      expect((await post(`/v1/groups/${GROUP}/invitation/renew`, { seat: SEAT })).body).toMatchObject({ code: "loopback2" });
      expect((await get(`/v1/invitations/AbCdEf123?seat=${SEAT}`)).body).toEqual(info);
      const join = async (invitation: string) => (await post("/v1/groups/join", { seat: SEAT, invitation })).body;
      expect(await join("https://chat.whatsapp.com/AbCdEf123?mode=ac_t")).toEqual({ group: GROUP });
      expect(await join("chat.whatsapp.com/invite/AbCdEf123")).toEqual({ group: GROUP });
      expect(await join("closedGroup")).toEqual({ group: null });
      expect(await join("https://elsewhere.example/AbCdEf123")).toMatchObject({ code: "E_BAD_REQUEST" });
      expect((await post(`/v1/groups/${GROUP}/leave`, { seat: SEAT })).body).toEqual({ group: GROUP });
      expect(asked).toEqual([
        [GROUP, { announce: true, description: null }],
        "AbCdEf123",
        "AbCdEf123",
        "AbCdEf123",
        "closedGroup",
        GROUP,
      ]);
      const { text } = await get(`/v1/audit?subject=${SEAT}`);
      for (const action of ["set", "left", "invitation-renewed", "joined"]) expect(text).toContain(`group.${action}`);
      expect(text).not.toMatch(/AbCdEf123|loopback2/);
    });

    it("are refused with the reason: by WhatsApp, without an answer, without a holder, to another line's key", async () => {
      const refuse = (refused: number | null) => () => Promise.reject(Object.assign(new Error("no"), { refused }));
      const friendly = rig.groups;
      rig.groups = { ...friendly, info: refuse(403), create: refuse(null) };
      expect(await get(`/v1/groups/${GROUP}?seat=${SEAT}`)).toMatchObject({ status: 409, body: { code: "E_REFUSED" } });
      expect(await post("/v1/groups", { seat: SEAT, subject: "x", members: ["491701234567"] })).toMatchObject({
        status: 503,
        body: { code: "E_UNREACHABLE" },
      });
      expect(await post("/v1/groups", { seat: SEAT, subject: "x", members: [GROUP] })).toMatchObject({ status: 400 });
      rig.groups = friendly;
      expect(await get("/v1/groups?seat=sales/sales-1", help)).toMatchObject({ status: 404, body: { code: "E_UNKNOWN_SEAT" } });
      expect(await get(`/v1/groups?seat=${SEAT}`, viewer)).toMatchObject({ status: 403 });
      expect(await get(`/v1/groups?seat=${SEAT}`, help)).toMatchObject({ status: 200 });
    });
  });

  describe("media", () => {
    const PNG = Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), Buffer.alloc(1_200_000, 7)]);
    const upload = (body: Buffer, type = "image/png") =>
      rig.ask("POST", "/v1/media", { body, headers: { "content-type": type } });

    it("are uploaded once, named by messages, and come back as they were", async () => {
      const { status, body, headers } = await upload(PNG);
      expect({ status, body }).toEqual({
        status: 201,
        body: { id: expect.stringMatching(/^[0-9a-f]{64}$/), bytes: PNG.length, mimetype: "image/png" },
      });
      expect((await upload(PNG, "application/json")).body["id"]).toBe(body["id"]);
      const back = await get(String(headers["location"]));
      expect({ type: back.headers["content-type"], bytes: back.headers["content-length"] }).toEqual({
        type: "image/png",
        bytes: String(PNG.length),
      });
      const content = { kind: "image", media: body["id"], caption: "twice" };
      for (const to of [TO, "+49 170 7654321"]) {
        const sent = await post("/v1/messages", { line: "help", to, content });
        expect(sent.status).toBe(202);
        expect((await get(`/v1/messages/${String(sent.body["id"])}`)).body).toMatchObject({
          content: { kind: "image", media: { id: body["id"], bytes: PNG.length, mimetype: "image/png" }, caption: "twice" },
        });
      }
      const first = await post("/v1/messages", { line: "help", to: TO, content }, "upload-1");
      const again = await post("/v1/messages", { line: "help", to: TO, content }, "upload-1");
      expect(again).toMatchObject({ status: 202, body: { id: first.body["id"], duplicate: true } });
    });

    it.each([
      [{ kind: "image", media: "0".repeat(64) }, /there is no upload of that id/],
      [{ kind: "image", media: "../../etc/passwd" }, /^body/],
      [{ kind: "image" }, /give the bytes, or what was uploaded/],
      [{ kind: "image", media: "0".repeat(64), data: "AAAA" }, /one of them only/],
    ])("are refused where they are not there, or given twice: %j", async (content, detail) => {
      expect(await post("/v1/messages", { line: "help", to: TO, content })).toMatchObject({
        status: 400,
        body: { detail: expect.stringMatching(detail) },
      });
    });

    it("are refused where a message may not hold them, empty, or by a viewer's key", async () => {
      const { body } = await upload(PNG);
      expect(await post("/v1/messages", { line: "help", to: TO, content: { kind: "audio", media: body["id"] } })).toMatchObject({
        status: 400,
        body: { detail: expect.stringMatching(/it is image\/png; WhatsApp takes audio/) },
      });
      expect(await rig.ask("POST", "/v1/media")).toMatchObject({ status: 400, body: { code: "E_BAD_REQUEST" } });
      expect(await rig.ask("POST", "/v1/media", { body: PNG, key: viewer })).toMatchObject({ status: 403 });
      expect(await get(`/v1/media/${"0".repeat(64)}`)).toMatchObject({ status: 404, body: { code: "E_NOT_FOUND" } });
    });

    it("that somebody sent are fetched once, and told with their type and name", async () => {
      // documentMessage {mimetype "text/csv", fileName "ä.csv"}
      const document = Buffer.from("3a12 1208 746578742f637376 4206 c3a42e637376".replaceAll(" ", ""), "hex");
      await rig.receive("help-1/a", "491708888888@s.whatsapp.net", document);
      const { body } = await get("/v1/inbox?limit=200");
      const [message] = (body["messages"] as unknown as { seq: number; media: object; chat: string }[]).slice(-1);
      expect(message).toMatchObject({ kind: "document", media: { mimetype: "text/csv", fileName: "ä.csv", isVoice: false } });
      const url = `/v1/inbox/${message?.seq}/media`;
      let asked = 0;
      rig.download = () => {
        asked++;
        return (async function* () {
          yield Buffer.from("a,b\n1,2\n");
        })();
      };
      for (let time = 0; time < 2; time++) {
        const { status, text, headers } = await get(url);
        expect({ status, text, type: headers["content-type"], name: headers["content-disposition"] }).toEqual({
          status: 200,
          text: "a,b\n1,2\n",
          type: "text/csv",
          name: "attachment; filename*=UTF-8''%C3%A4.csv",
        });
      }
      expect(asked).toBe(1);
      const sales = await rig.key("operator", ["sales"]);
      expect(await get(url, sales)).toMatchObject({ status: 404, body: { code: "E_UNKNOWN_MESSAGE" } });
      expect(await get("/v1/inbox/999999/media")).toMatchObject({ status: 404, body: { code: "E_UNKNOWN_MESSAGE" } });
    });

    it("that can't be fetched any more are told so, and nothing is kept", async () => {
      await rig.receive("help-1/a", "491708888888@s.whatsapp.net", Buffer.from("3a0a1208746578742f637376", "hex"));
      const { body } = await get("/v1/inbox?limit=200");
      const [message] = (body["messages"] as unknown as { seq: number }[]).slice(-1);
      rig.download = () =>
        (async function* () {
          yield Buffer.from("a,");
          throw new Error("WhatsApp's server does not have it any more");
        })();
      expect(await get(`/v1/inbox/${message?.seq}/media`)).toMatchObject({
        status: 503,
        body: { code: "E_UNREACHABLE", detail: expect.stringMatching(/does not have it any more/) },
      });
      // Whoever asks for it later is not to meet that fault.
      rig.download = () => null;
    });
  });

  describe("what a webhook did not get", () => {
    it("is listed to the last, in pages, and stays where it can't be delivered", async () => {
      for (let seq = 1; seq <= 7; seq++)
        await rig.deadLetters.bury({ webhook: "crm", source: "events", seq, type: "seat.serving", at: 5, tries: 11, why: "x" });
      const seen: number[] = [];
      let next: string | null = "";
      while (next !== null) {
        const { body } = await get(`/v1/webhooks/crm/dead?limit=3${next === "" ? "" : `&cursor=${next}`}`);
        seen.push(...(body["letters"] as unknown as { seq: number }[]).map(({ seq }) => seq));
        next = body["next"] as unknown as string | null;
      }
      expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7]);
      expect(await get("/v1/webhooks/crm/dead?cursor=bm9wZQ")).toMatchObject({
        status: 400,
        body: { detail: expect.stringMatching(/^query\.cursor/) },
      });
      expect(await post("/v1/webhooks/crm/redrive")).toMatchObject({
        status: 200,
        body: { delivered: 0, gone: 0, failed: expect.stringMatching(/could not be reached/), left: 7 },
      });
      expect(await get("/v1/webhooks/none/dead")).toMatchObject({ status: 404, body: { code: "E_UNKNOWN_WEBHOOK" } });
    });
  });

  describe("a list", () => {
    it("of conversations goes on where the page before ended", async () => {
      const first = await get("/v1/conversations?line=sales&limit=3");
      const next = String(first.body["next"]);
      const second = await get(`/v1/conversations?line=sales&limit=200&cursor=${next}`);
      const all = await get("/v1/conversations?line=sales&limit=200");
      const idsIn = ({ body }: typeof all) => (body["conversations"] as unknown as { id: string }[]).map(({ id }) => id);
      expect([...idsIn(first), ...idsIn(second)]).toEqual(idsIn(all));
      expect(await get(`/v1/conversations?line=help&cursor=${next}`)).toMatchObject({ status: 400 });
    });
  });

  describe("a seat", () => {
    it("moves by a switchover, which is told in full and never done twice under one Idempotency-Key", async () => {
      const before = await get("/v1/seats/sales/sales-1");
      const from = (before.body["seat"] as unknown as { holder: string }).holder;
      await rig.until(async () => (await get("/v1/devices/sales-1/a")).body["health"] === ("healthy" as never));
      await rig.until(async () => (await get("/v1/devices/sales-1/b")).body["health"] === ("healthy" as never));
      const moved = await post("/v1/seats/sales/sales-1/switchover", {}, "move-1");
      expect(moved).toMatchObject({ status: 200, body: { outcome: "inService", from, ladder: "twin", cause: "operator" } });
      const again = await post("/v1/seats/sales/sales-1/switchover", {}, "move-1");
      expect(again.headers["idempotent-replayed"]).toBe("true");
      expect(again.body).toEqual(moved.body);
      expect((await get("/v1/failovers?seat=sales/sales-1")).body["failovers"]).toContainEqual(moved.body);
      expect((await get(`/v1/failovers/${encodeURIComponent(String(moved.body["id"]))}`)).body).toEqual(moved.body);
      expect(await post("/v1/seats/help/help-1/switchover", {}, "move-1")).toMatchObject({
        status: 422,
        body: { code: "E_KEY_REUSED" },
      });
      const [entry] = (await get("/v1/audit?subject=sales/sales-1&limit=50")).body["audit"] as unknown as { actor: string }[];
      expect(entry?.actor).toBeDefined();
      expect((await get("/v1/audit?subject=sales/sales-1&limit=50")).text).toContain("key:admin-0");
    });

    it("is moved only from where it was seen: If-Match", async () => {
      const { headers, body } = await get("/v1/seats/help/help-1");
      const { term } = body["seat"] as unknown as { term: number };
      expect(headers["etag"]).toBe(`"${term}"`);
      const stale = await rig.ask("POST", "/v1/seats/help/help-1/failover", {
        body: {},
        headers: { "if-match": `"${term - 1}"` },
      });
      expect(stale).toMatchObject({ status: 412, body: { code: "E_CHANGED" } });
    });

    it("is refused a move that makes no sense, with the reason, and may be asked again under the same key", async () => {
      const here = (await get("/v1/seats/help/help-1")).body["seat"] as unknown as { holder: string };
      const refused = await post("/v1/seats/help/help-1/switchover", { to: here.holder }, "move-2");
      expect(refused).toMatchObject({
        status: 409,
        body: { code: "E_REFUSED", detail: expect.stringMatching(/speaks for help\/help-1 already/) },
      });
      expect((await post("/v1/seats/help/help-1/switchover", { to: here.holder }, "move-2")).status).toBe(409);
      expect(await post("/v1/seats/help/help-1/switchover", { to: "nobody/a" })).toMatchObject({
        status: 404,
        body: { code: "E_UNKNOWN_DEVICE" },
      });
      expect(await post("/v1/seats/help/help-1/failback")).toMatchObject({
        status: 409,
        body: { detail: expect.stringMatching(/is at home/) },
      });
    });
  });

  describe("the fleet", () => {
    it("is seen whole, and by a key of one line in part", async () => {
      const whole = await get("/v1/status");
      expect(whole.body).toMatchObject({ fleet: "acme", mode: "automatic" });
      const part = await get("/v1/status", help);
      expect(part.text).not.toContain("sales");
      expect((part.body["devices"] as unknown as { id: string }[]).map(({ id }) => id)).toEqual(["help-1/a", "bulk-1/a"]);
      expect((await get("/v1/audit", help)).text).not.toContain("sales");
      expect((await get("/v1/events?limit=1000", help)).text).not.toContain("sales");
    });

    it("is paused and resumed by who may, for the whole of it", async () => {
      expect(await post("/v1/pause")).toMatchObject({ status: 200, body: { mode: "paused" } });
      expect(await post("/v1/resume")).toMatchObject({ status: 200, body: { mode: "automatic" } });
      expect(await post("/v1/pause", {}, undefined, help)).toMatchObject({ status: 403, body: { code: "E_SCOPE" } });
    });

    it("shows lines with their balance, and a plan", async () => {
      expect((await get("/v1/lines")).body["lines"]).toHaveLength(2);
      expect((await get("/v1/lines/sales")).body).toMatchObject({
        strategy: "round-robin",
        seats: [{ seat: "sales/sales-1" }, {}],
      });
      expect((await get("/v1/lines/sales/rebalance?most=3")).body).toMatchObject({ line: "sales", moves: [] });
      expect((await get("/v1/alerts?state=all")).status).toBe(200);
    });

    it("drains an account only for who may speak for all of its lines", async () => {
      expect(await post("/v1/accounts/bulk-1/drain", {}, undefined, help)).toMatchObject({
        status: 403,
        body: { code: "E_SCOPE" },
      });
      expect(await post("/v1/accounts/bulk-1/drain")).toMatchObject({ status: 200, body: { cordoned: true, moved: [] } });
      expect(await post("/v1/accounts/bulk-1/undrain")).toMatchObject({ status: 200, body: { cordoned: false } });
      expect(await post("/v1/accounts/help-1/cordon", {}, undefined, help)).toMatchObject({
        status: 200,
        body: { cordoned: true, moved: [], stays: [] },
      });
      expect((await get("/v1/seats/help/help-1")).body).toMatchObject({ seat: { holder: "help-1/a", phase: "serving" } });
      expect((await get("/v1/devices/help-1/a")).body).toMatchObject({ cordoned: true });
      expect(await post("/v1/accounts/help-1/undrain")).toMatchObject({ status: 200, body: { cordoned: false } });
      expect((await get("/v1/accounts/bulk-1", help)).body).toMatchObject({
        account: { role: "servant" },
        devices: [{ id: "bulk-1/a" }],
      });
    });
  });

  describe("a device", () => {
    it("has one status", async () => {
      expect((await get("/v1/devices/help-1/a")).body).toMatchObject({
        status: "online",
        link: "linked",
        holds: ["help/help-1"],
      });
      expect((await get("/v1/devices/sales-2/a")).body).toMatchObject({ status: "unlinked", link: "unlinked", holds: [] });
    });

    it("is linked by a QR code, as text, SVG and PNG, which no viewer sees", async () => {
      expect(await get("/v1/devices/sales-2/a/qr")).toMatchObject({ status: 404, body: { code: "E_NO_OFFER" } });
      const begun = await post("/v1/devices/sales-2/a/link", { method: "qr" });
      expect(begun).toMatchObject({ status: 200, body: { linked: false, offer: { kind: "qr", text: "2@offer,of,the,test" } } });
      expect((await get("/v1/devices/sales-2/a/qr?format=text")).text).toBe("2@offer,of,the,test");
      const svg = await get("/v1/devices/sales-2/a/qr");
      expect([svg.headers["content-type"], svg.text.slice(0, 5)]).toEqual(["image/svg+xml", "<svg "]);
      const png = await get("/v1/devices/sales-2/a/qr?format=png");
      expect([png.headers["content-type"], png.text.slice(1, 4), png.headers["cache-control"]]).toEqual([
        "image/png",
        "PNG",
        "no-store",
      ]);
      expect((await get("/v1/links", viewer)).body["links"]).toEqual([
        { device: "sales-2/a", connection: "linking", hasOffer: true, kind: "qr" },
      ]);
      expect((await get("/v1/devices/sales-2/a")).body).toMatchObject({ status: "linking" });
    });

    it("is linked by a pairing code", async () => {
      const begun = await post("/v1/devices/sales-2/a/link", { method: "code", phone: "491701234567" });
      expect(begun).toMatchObject({ status: 200, body: { offer: { kind: "code" } } });
      expect(await get("/v1/devices/sales-2/a/qr")).toMatchObject({ status: 404, body: { code: "E_NO_OFFER" } });
      expect(await post("/v1/devices/sales-2/a/link", { method: "code", phone: "0170" })).toMatchObject({ status: 400 });
    });

    it("is linked by a QR code with a pairing code beside it, which stays when the QR code changes", async () => {
      const begin = () => post("/v1/devices/sales-2/a/link", { method: "qr", phone: "491701234567" });
      const offer = { kind: "qr", text: "2@next,of,the,test", code: "ABCD1234" };
      await begin();
      expect(await begin()).toMatchObject({ status: 200, body: { offer } });
      expect((await get("/v1/devices/sales-2/a/qr?format=text")).text).toBe(offer.text);
      expect(JSON.stringify((await get("/v1/links", viewer)).body)).not.toContain("ABCD1234");
      // Another way of linking takes the place of this one, and of its code.
      const alone = await post("/v1/devices/sales-2/a/link", { method: "qr" });
      expect(alone.body["offer"]).not.toHaveProperty("code");
    });

    it("is restarted unless it speaks for a seat", async () => {
      const holder = ((await get("/v1/seats/sales/sales-1")).body["seat"] as unknown as { holder: string }).holder;
      const other = holder === "sales-1/a" ? "sales-1/b" : "sales-1/a";
      const dials = rig.links.dialled;
      expect(await post(`/v1/devices/${other}/restart`)).toMatchObject({ status: 202, body: { id: other } });
      await rig.until(() => rig.links.dialled > dials);
      expect(await post(`/v1/devices/${holder}/restart`)).toMatchObject({
        status: 409,
        body: { detail: expect.stringMatching(/switch over first/) },
      });
      expect(await post("/v1/devices/sales-2/a/restart")).toMatchObject({
        status: 409,
        body: { detail: expect.stringMatching(/is not linked/) },
      });
    });
  });

  describe("a key", () => {
    const make = (body: object, name?: string) => post("/v1/keys", { name: "shop", role: "operator", ...body }, name);

    it("is shown once, works at once, and not any more once it is revoked", async () => {
      const made = await make({ name: "once", lines: ["help"], expiresIn: 60_000 }, "key-1");
      const { key, secret } = made.body as unknown as { key: { id: string }; secret: string };
      expect(made).toMatchObject({
        status: 201,
        body: { key: { role: "operator", lines: ["help"], createdBy: "operator:key:admin-0" } },
      });
      expect(await get("/v1/key", secret)).toMatchObject({ status: 200, body: { id: key.id, name: "once" } });
      expect(await rig.ask("GET", "/v1/key", { key: null, headers: { "x-api-key": secret } })).toMatchObject({ status: 200 });
      const again = await make({ name: "once", lines: ["help"], expiresIn: 60_000 }, "key-1");
      expect(again).toMatchObject({ status: 201, body: { key: { id: key.id }, secret: null } });
      expect((await get("/v1/keys")).text).not.toContain(secret.replace(/^gr_[^_]+_/, ""));
      expect(await rig.ask("DELETE", `/v1/keys/${key.id}`)).toMatchObject({
        status: 200,
        body: { revokedAt: expect.any(Number) },
      });
      expect(await get("/v1/key", secret)).toMatchObject({ status: 401, body: { code: "E_KEY_REVOKED" } });
      expect((await get(`/v1/audit?subject=fleet`)).status).toBe(200);
      expect((await get("/v1/audit?limit=200")).text).toContain(`the API key ${key.id} (once) was revoked`);
    });

    it("is known by its name, so no two that count have the same", async () => {
      await make({});
      expect(await make({})).toMatchObject({ status: 409, body: { detail: expect.stringMatching(/is called shop/) } });
      expect(await make({ name: "a b" })).toMatchObject({ status: 400 });
      expect(await make({ name: "other", lines: ["nowhere"] })).toMatchObject({ status: 404, body: { code: "E_UNKNOWN_LINE" } });
      expect(await rig.ask("DELETE", "/v1/keys/nobody")).toMatchObject({ status: 404, body: { code: "E_UNKNOWN_KEY" } });
    });

    it("does not open with the secret of another one", async () => {
      const [one, other] = [await rig.key("viewer"), await rig.key("viewer")];
      const forged = `${one.slice(0, 14)}${other.slice(14)}`;
      expect(await get("/v1/key", forged)).toMatchObject({ status: 401, body: { code: "E_BAD_KEY" } });
    });
  });

  describe("a refused request", () => {
    it("is in the audit with endpoint and code, without what was sent, and repeats are one entry", async () => {
      const secret = `gr_0000000000_${"s".repeat(43)}`;
      for (let n = 0; n < 5; n++) await rig.ask("GET", "/v1/messages?conversation=hunter2", { key: secret, from: "192.0.2.7" });
      const find = async () =>
        (
          (await get("/v1/audit?limit=200")).body["audit"] as unknown as {
            action: string;
            text: string;
            evidence: { address: string };
          }[]
        ).filter(({ action, evidence }) => action === "request.refused" && evidence.address === "192.0.2.7");
      await rig.until(async () => (await find()).length > 0);
      expect(await find()).toMatchObject([
        { text: "GET /v1/messages was refused: E_BAD_KEY", evidence: { code: "E_BAD_KEY", key: null } },
      ]);
      expect(JSON.stringify(await find())).not.toMatch(/hunter2|sssss/);
    });

    it("with a key that counts no more says which: somebody goes on using it", async () => {
      const secret = await rig.key("viewer");
      const id = /^gr_([0-9a-z]+)_/.exec(secret)?.[1];
      await rig.keys.revoke(id ?? "", "operator:test");
      await rig.ask("GET", "/v1/status", { key: secret, from: "192.0.2.8" });
      const find = async () =>
        ((await get("/v1/audit?limit=200")).body["audit"] as unknown as { action: string; evidence: object; subject: string }[])
          .filter(({ action }) => action === "request.refused")
          .filter(({ subject }) => subject === `key:${id}`);
      await rig.until(async () => (await find()).length > 0);
      expect(await find()).toMatchObject([{ evidence: { code: "E_KEY_REVOKED", key: id, address: "192.0.2.8" } }]);
    });
  });
};
