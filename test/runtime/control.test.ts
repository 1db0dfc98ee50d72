import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, lstatSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { askSupervisor } from "../../src/cli/control-client.ts";
import { controlPath } from "../../src/runtime/control-path.ts";
import { ControlError, type ControlHandlers, REQUESTS, resolveName } from "../../src/runtime/control-protocol.ts";
import { type ControlServer, MAX_CLIENTS, MAX_REQUEST, serveControl } from "../../src/runtime/control-server.ts";

let folder: string;
let path: string;
const open: { close(): unknown }[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "greenroom-control-"));
  path = join(folder, "g.sock");
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  rmSync(folder, { recursive: true, force: true });
});

const OPS = Object.keys(REQUESTS).join(", ");

describe("the control socket", () => {
  it("carries requests and answers, and may be opened by its owner only", async () => {
    await serve({
      send: ({ line, to, text }) => ({ id: `${line}|${to}|${text}`, seat: "sales/sales-1" as never, duplicate: false }),
    });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await expect(askSupervisor(path, "send", { line: "sales", to: "49", text: "hällo\n" })).resolves.toEqual({
      id: "sales|49|hällo\n",
      seat: "sales/sales-1",
      duplicate: false,
    });
  });

  it("passes on what a handler refuses, and hides what it did not mean to throw", async () => {
    const faults: unknown[] = [];
    await serve(
      {
        why: ({ seat }) => {
          resolveName("seat", seat, ["sales/sales-1", "sales/sales-2"]);
          throw new TypeError("secret detail");
        },
      },
      { onFault: (op: string, error: unknown) => faults.push(`${op}: ${String(error)}`) },
    );
    await expect(askSupervisor(path, "why", { seat: "sales/sale-1" })).rejects.toMatchObject({
      code: "E_UNKNOWN_SEAT",
      message: 'there is no seat sales/sale-1. Did you mean "sales/sales-1"? There are: sales/sales-1, sales/sales-2',
    });
    const fault = askSupervisor(path, "why", { seat: "sales-1" });
    await expect(fault).rejects.toMatchObject({ code: "E_INTERNAL" });
    await expect(fault).rejects.not.toThrow(/secret detail/);
    expect(faults).toEqual(["why: TypeError: secret detail"]);
  });

  it.each([
    ["no JSON", "{nope", "a request is one JSON object on one line"],
    ["a list", "[1]", "a request is one JSON object on one line"],
    ["no operation", "{}", `there is no operation "". There are: ${OPS}`],
    ["a misspelt operation", '{"op":"statis"}', `there is no operation "statis". Did you mean "status"? There are: ${OPS}`],
    ["what every object has", '{"op":"constructor"}', `there is no operation "constructor". There are: ${OPS}`],
    ["a wrong field", '{"op":"why","seat":7}', "why: ✖ Invalid input: expected string, received number → at seat"],
    ["an unknown field", '{"op":"status","x":1}', 'status: ✖ Unrecognized key: "x"'],
  ])("answers %s with an error, and goes on", async (_, line, message) => {
    await serve();
    const answers = await talk(`${line}\n\n{"id":"next","op":"stop"}\n`, 2);
    expect(answers).toEqual([
      { id: null, ok: false, error: { code: "E_BAD_REQUEST", message } },
      { id: "next", ok: true, answer: { stopping: true } },
    ]);
  });

  it("answers who shuts the pipe after the last request, in the order of the requests", async () => {
    await serve({ why: async () => later(30, "first" as never), stop: () => "second" as never });
    const answers = await talk('{"id":1,"op":"why","seat":"x"}\n{"id":2,"op":"stop"}\n', 2, true);
    expect(answers).toEqual([
      { id: 1, ok: true, answer: "first" },
      { id: 2, ok: true, answer: "second" },
    ]);
  });

  it("takes requests of a bounded size", async () => {
    await serve();
    const answers = await talk("x".repeat(MAX_REQUEST + 1), 1);
    expect(answers).toMatchObject([{ ok: false, error: { code: "E_BAD_REQUEST", message: expect.stringMatching(/at most/) } }]);
    await expect(askSupervisor(path, "stop", {})).resolves.toEqual({ stopping: true });
  });

  it("serves many clients at once, and tells those beyond its bound", async () => {
    let running = 0;
    const refused: { reason: unknown }[] = [];
    const allTold = Promise.withResolvers<void>();
    await serve({
      stop: async () => {
        running++;
        await allTold.promise;
        return { stopping: true };
      },
    });
    const note = (reason: unknown): void => {
      if (refused.push({ reason }) === 10) allTold.resolve();
    };
    await Promise.all(Array.from({ length: MAX_CLIENTS + 10 }, () => askSupervisor(path, "stop", {}).catch(note)));
    expect({ running, refused: refused.length }).toEqual({ running: MAX_CLIENTS, refused: 10 });
    for (const { reason } of refused) expect(reason).toMatchObject({ code: expect.stringMatching(/E_BUSY|E_NO_ANSWER/) });
  });

  it("answers in time, whatever the handler does", async () => {
    await serve({ stop: () => new Promise(() => undefined) }, { answerWithin: 50 });
    await expect(askSupervisor(path, "stop", {})).rejects.toMatchObject({ code: "E_TIMEOUT" });
  });

  it("drops who says nothing", async () => {
    await serve({}, { idleFor: 50 });
    await expect(talk("", 1)).rejects.toThrow("closed after 0 answers");
  });

  it("survives clients that hang up while they are answered", async () => {
    await serve({ stop: async () => later(20, { stopping: true }) });
    for (let round = 0; round < 5; round++) {
      const socket = connect(path);
      await new Promise((resolve) => socket.write('{"op":"stop"}\n', resolve));
      socket.destroy();
    }
    await expect(askSupervisor(path, "stop", {})).resolves.toEqual({ stopping: true });
  });

  it("finishes the answer under way when it closes, and leaves no file", async () => {
    const asked = Promise.withResolvers<void>();
    const leave = Promise.withResolvers<void>();
    const server = await serve({
      stop: async () => {
        asked.resolve();
        await leave.promise;
        return { stopping: true };
      },
    });
    const answer = askSupervisor(path, "stop", {});
    await asked.promise;
    const closed = server.close(20_000);
    leave.resolve();
    await expect(answer).resolves.toEqual({ stopping: true });
    await closed;
    expect(existsSync(path)).toBe(false);
  });
});

describe("the socket's file", () => {
  it("of a dead supervisor is replaced", async () => {
    const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["-e", script]);
    expect(lstatSync(path).isSocket()).toBe(true);
    await serve();
    await expect(askSupervisor(path, "stop", {})).resolves.toEqual({ stopping: true });
  });

  it("of a live one is left alone", async () => {
    await serve();
    await expect(serve()).rejects.toMatchObject({ code: "E_ALREADY_RUNNING" });
    await expect(askSupervisor(path, "stop", {})).resolves.toEqual({ stopping: true });
  });

  it("is never made from a file that is something else", async () => {
    writeFileSync(path, "precious");
    await expect(serve()).rejects.toMatchObject({ code: "E_SOCKET" });
    expect(lstatSync(path).isFile()).toBe(true);
  });

  it("that can't be made is told so", async () => {
    path = join(folder, "none", "g.sock");
    await expect(serve()).rejects.toMatchObject({
      code: "E_SOCKET",
      message: expect.stringMatching(/none\/g\.sock can't be made/),
    });
  });

  it("stands beside the store, or in a private folder if the path is too long for the kernel", () => {
    expect(controlPath("/var/lib/greenroom/greenroom.db")).toBe("/var/lib/greenroom/greenroom.db.sock");
    const long = `/var/lib/${"ü".repeat(50)}/greenroom.db`;
    const short = controlPath(long);
    expect(Buffer.byteLength(short)).toBeLessThanOrEqual(100);
    expect(controlPath(long)).toBe(short);
    expect(controlPath(`${long}2`)).not.toBe(short);
    expect(statSync(join(short, "..")).mode & 0o777).toBe(0o700);
  });
});

describe("whoever asks", () => {
  it("is told that nobody listens", async () => {
    await expect(askSupervisor(path, "status", {})).rejects.toMatchObject({ code: "E_NOT_RUNNING" });
  });

  it.skipIf(process.getuid?.() === 0)("is told that the socket is another user's", async () => {
    await serve();
    chmodSync(path, 0);
    await expect(askSupervisor(path, "status", {})).rejects.toMatchObject({ code: "E_NOT_RUNNING" });
  });

  it.each([
    ["hangs up", ""],
    ["talks nonsense", "hello\n"],
    ["answers in another form", '{"ok":"maybe"}\n'],
  ])("is told when what listens %s", async (_, says) => {
    const other = createServer((socket) => socket.end(says)).listen(path);
    open.push(other);
    await expect(askSupervisor(path, "status", {})).rejects.toMatchObject({ code: "E_NO_ANSWER" });
  });

  it("waits a bounded time", async () => {
    const other = createServer(() => undefined).listen(path);
    open.push(other);
    await expect(askSupervisor(path, "status", {}, 50)).rejects.toMatchObject({ code: "E_NO_ANSWER" });
  });
});

describe("names", () => {
  const known = ["sales/sales-1", "support/sales-1", "sales/sales-2"];
  it("may be shortened while only one fits", () => {
    expect(resolveName("seat", "sales-2", known)).toBe("sales/sales-2");
    expect(() => resolveName("seat", "sales-1", known)).toThrow(/may be sales\/sales-1 or support\/sales-1/);
    expect(() => resolveName("line", "x", [])).toThrow("there is no line x. There are: none");
  });
});

const unused = (): never => {
  throw new ControlError("E_REFUSED", "not in this test");
};
const HANDLERS: ControlHandlers = {
  status: unused,
  why: unused,
  failover: unused,
  switchover: unused,
  failback: unused,
  drain: unused,
  accounts: unused,
  send: unused,
  message: unused,
  held: unused,
  release: unused,
  cancel: unused,
  groups: unused,
  group: unused,
  groupCreate: unused,
  groupChange: unused,
  groupSet: unused,
  groupLeave: unused,
  groupInvitation: unused,
  groupInvited: unused,
  groupJoin: unused,
  contacts: unused,
  contact: unused,
  mediaUpload: unused,
  mediaDownload: unused,
  services: unused,
  history: unused,
  alerts: unused,
  alertShow: unused,
  alertAcknowledge: unused,
  alertSilences: unused,
  alertSilence: unused,
  alertUnsilence: unused,
  alertTest: unused,
  alertReport: unused,
  audit: unused,
  events: unused,
  copyStore: unused,
  webhooks: unused,
  webhookTest: unused,
  webhookDead: unused,
  webhookRedrive: unused,
  sla: unused,
  metrics: unused,
  auditVerify: unused,
  auditPage: unused,
  auditPrune: unused,
  pause: unused,
  resume: unused,
  links: unused,
  link: unused,
  apply: unused,
  edit: unused,
  unlinkAccount: unused,
  unlink: unused,
  restart: unused,
  line: unused,
  performance: unused,
  rebalance: unused,
  keys: unused,
  keyCreate: unused,
  keyRevoke: unused,
  stop: () => ({ stopping: true }),
};

const serve = async (handlers: Partial<ControlHandlers> = {}, options: object = {}): Promise<ControlServer> => {
  const server = await serveControl({ path, handlers: { ...HANDLERS, ...handlers }, ...options });
  open.push({ close: () => server.close(0) });
  return server;
};

const later = <T>(ms: number, value: T): Promise<T> => new Promise((resolve) => setTimeout(() => resolve(value), ms));

/** Writes raw bytes and waits for so many lines. */
const talk = (bytes: string, count: number, shut = false): Promise<unknown[]> =>
  new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = "";
    socket.on("data", (part) => {
      text += String(part);
      const lines = text.split("\n").slice(0, -1);
      if (lines.length < count) return;
      socket.destroy();
      resolve(lines.map((line) => JSON.parse(line) as unknown));
    });
    socket.on("error", () => undefined);
    socket.on("close", () => reject(new Error(`closed after ${text.split("\n").length - 1} answers`)));
    if (shut) socket.end(bytes);
    else socket.write(bytes);
  });
