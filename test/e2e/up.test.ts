/** The production supervisor as an operator has it: a process, its socket, phones that scan, kill -9, Ctrl-C. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inside } from "../cli/inside.ts";
import { type Ended, greenroom } from "../cli/process.ts";
import { DEVICES, numberOf, Rig, type Up, until } from "./rig.ts";

/** Everything here is real; on a machine with other things to do it takes its time. */
const PATIENCE = 180_000;
const PEOPLE = ["99910000001", "99910000002", "99910000003", "99910000004"];

let rig: Rig;
let up: Up;
/** Texts that were accepted, by person. */
const accepted = new Map<string, string[]>();

beforeAll(async () => {
  rig = await Rig.start();
  // They are on WhatsApp before anybody writes to them.
  for (const person of PEOPLE) rig.loopback.person(person);
}, PATIENCE);
afterAll(async () => rig.close(), PATIENCE);

describe("up", { timeout: PATIENCE }, () => {
  it("starts with nothing but a fleet file, and says what is to be linked", async () => {
    up = await rig.up();
    expect(up.started).toMatchObject({
      fleet: "acme",
      pid: up.child.pid,
      socket: rig.socket,
      isNew: true,
      seats: ["help/help-1", "help/help-2", "sales/sales-1", "sales/sales-2"],
      unlinked: DEVICES,
    });
    for (const file of ["acme.db", "acme.key", "acme.db.sock"]) expect(statSync(join(rig.folder, file)).mode & 0o777).toBe(0o600);
    expect((await rig.ask("links", {})).links.map(({ offer }) => offer)).toEqual(DEVICES.map(() => null));
  });

  it("links a device with a QR code or a pairing code that the command line shows", async () => {
    const qr = await greenroom(["device", "link", "sales-1/a", "--json"], { cwd: rig.folder });
    expect(qr.code).toBe(0);
    const { offer } = JSON.parse(qr.stdout) as { offer: { kind: string; text: string } };
    expect(offer.kind).toBe("qr");
    expect((await rig.ask("links", {})).links[0]).toMatchObject({ device: "sales-1/a", state: "linking", offer });
    // Another way of linking takes the place of the first.
    rig.loopback.account(numberOf("sales-1/a"));
    const code = await command("device", "link", "sales-1/a", "--code", `+${numberOf("sales-1/a")}`, "--json");
    const shown = JSON.parse(code.stdout) as { offer: { kind: string; text: string } };
    expect(shown.offer).toMatchObject({ kind: "code", text: expect.stringMatching(/^[0-9A-Z]{8}$/) });
    await rig.loopback.account(numberOf("sales-1/a")).enterPairingCode(shown.offer.text);
    await until(async () => (await rig.ask("links", {})).links.every(({ device }) => device !== "sales-1/a"));
  });

  it("brings every seat into service once all devices are linked, with its own account first", async () => {
    for (const device of DEVICES.slice(1)) await rig.link(device);
    await rig.serving();
    const status = await command("status", "--json");
    expect(JSON.parse(status.stdout)).toMatchObject({ fleet: "acme", pid: up.child.pid, mode: expect.any(String) });
    const { failovers } = await rig.ask("history", { limit: 1000 });
    const first = failovers.filter(({ cause, outcome }) => cause === "startup" && outcome === "inService");
    expect(first.map(({ seat }) => seat).sort()).toEqual(up.started.seats);
    for (const { seat, to } of first) expect(to?.split("/")[0]).toBe(seat.split("/")[1]);
    expect(await rig.ask("link", { device: "help-1/b" })).toEqual({ device: "help-1/b", linked: true, offer: null });
  });

  it("sends what `greenroom send` hands it", async () => {
    const [person = ""] = PEOPLE;
    const sent = await greenroom(["send", "sales", `+${person}`, "hello from the terminal"], { cwd: rig.folder });
    expect(sent).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^Accepted: m\w+, by sales\/sales-\d\n$/) });
    note(person, "hello from the terminal");
    const once = ["send", "help", person, "only once", "--key", "order-17", "--json"];
    const [first, second] = [await command(...once), await command(...once)];
    expect(JSON.parse(second.stdout)).toEqual({ ...(JSON.parse(first.stdout) as object), duplicate: true });
    note(person, "only once");
    await everythingArrived();
    expect(textsAt(person).filter((text) => text === "only once")).toHaveLength(1);
  });

  it("moves a seat on demand and tells why, and refuses what makes no sense", async () => {
    // A machine that is busy may have moved it already, or find the other device out of breath.
    let moved: { to: string; code: number; stdout: string } | undefined;
    await until(async () => {
      const { seat } = await rig.ask("why", { seat: "help-1" });
      const to = seat.holder === "help-1/a" ? "help-1/b" : "help-1/a";
      moved = { to, ...(await command("failover", "help-1", "--to", to, "--json")) };
      return moved.code === 0;
    });
    const { to = "", stdout = "" } = moved ?? {};
    expect(JSON.parse(stdout)).toMatchObject({ inTime: true, record: { seat: "help/help-1", to, outcome: "inService" } });
    const why = await command("why", "help-1");
    expect(why.stdout).toContain(`→ ${to}`);
    await expect(rig.ask("failover", { seat: "help-1", to: "sales-1/a" })).rejects.toMatchObject({ code: "E_UNKNOWN_DEVICE" });
    await expect(rig.ask("send", { line: "sales", to: "nobody", text: "x" })).rejects.toMatchObject({ code: "E_BAD_REQUEST" });
    await expect(rig.ask("audit", { subject: "help-9" })).rejects.toMatchObject({ code: "E_UNKNOWN_SUBJECT" });
    expect((await rig.ask("audit", { subject: "help/help-1" })).audit.map(({ action }) => action)).toContain("failover.demanded");
  });

  it("drains an account, lets it take no seat until that is undone, and brings its seat home", async () => {
    const speaking = async (): Promise<string | undefined> => {
      const { seat } = await rig.ask("why", { seat: "sales-1" });
      return seat.holder?.split("/")[0];
    };
    const again = (...args: string[]) => until(async () => (await command(...args, "--json")).code === 0);
    await again("drain", "sales-1");
    expect(await speaking()).toBe("sales-2");
    await expect(rig.ask("switchover", { seat: "sales-1", to: "sales-1/b" })).rejects.toMatchObject({
      code: "E_REFUSED",
      message: expect.stringContaining("sales-1/b: cordoned"),
    });
    expect(await command("drain", "sales-1", "--undo")).toMatchObject({ code: 0 });
    await again("failback", "sales-1");
    expect(await speaking()).toBe("sales-1");
    await expect(rig.ask("failback", { seat: "sales-1" })).rejects.toMatchObject({ code: "E_REFUSED" });
    expect((await rig.ask("audit", { subject: "sales/sales-1" })).audit.map(({ action }) => action)).toContain(
      "switchover.demanded",
    );
  });

  it("pauses and resumes automatic failover", async () => {
    expect(await rig.ask("pause", {})).toEqual({ mode: "paused" });
    expect(await rig.ask("resume", {})).toEqual({ mode: "automatic" });
    expect((await rig.ask("audit", { subject: "fleet" })).audit.map(({ action }) => action).slice(0, 2)).toEqual([
      "fleet.resumed",
      "fleet.paused",
    ]);
  });
});

describe("kill -9 of up, in the middle of sending", { timeout: PATIENCE }, () => {
  it("costs nothing: after a restart every seat is in service, no device asks for a code, and every phone gets everything", async () => {
    const sends = Array.from({ length: 80 }, async (_, index) => {
      const person = PEOPLE[index % PEOPLE.length] as string;
      const text = `message ${index}`;
      await rig.ask("send", { line: index % 2 === 0 ? "sales" : "help", to: person, text });
      note(person, text);
      if (index === 30) up.child.kill("SIGKILL");
    });
    const outcomes = await Promise.allSettled(sends);
    expect(await up.ended).toBe("SIGKILL");
    expect(outcomes.filter(({ status }) => status === "fulfilled").length).toBeGreaterThan(0);

    up = await rig.up();
    expect(up.started).toMatchObject({ isNew: false, unlinked: [] });
    await rig.serving();
    expect((await rig.ask("links", {})).links).toEqual([]);
    await everythingArrived();
    await until(async () => (await rig.ask("status", {})).seats.every(({ queue }) => queue.open === 0));
    expect(up.stderr()).not.toContain("linkEnded");
  });
});

describe("Ctrl-C", { timeout: PATIENCE }, () => {
  it("shuts everything down and leaves nothing open", async () => {
    up.child.kill("SIGINT");
    expect(await up.ended).toBe(0);
    expect(existsSync(rig.socket)).toBe(false);
    expect(existsSync(join(rig.folder, "acme.db.holder"))).toBe(false);
    expect(up.stderr()).toContain('"msg":"stopped"');
    await until(() => rig.loopback.connections().length === 0);
    expect((await command("status")).code).toBe(3);
  });

  it("a second time ends it at once", async () => {
    up = await rig.up();
    // Both arrive in one turn, before the first has done its work. (Of one kind they would be one.)
    for (const signal of ["SIGSTOP", "SIGTERM", "SIGINT", "SIGCONT"] as const) up.child.kill(signal);
    expect(await up.ended).toBe(130);
  });

  it("is what `greenroom stop` asks for", async () => {
    up = await rig.up();
    await rig.serving();
    expect(await greenroom(["stop"], { cwd: rig.folder })).toMatchObject({ code: 0, stdout: "It is shutting down.\n" });
    expect(await up.ended).toBe(0);
  });
});

describe("a server that is out of reach", { timeout: PATIENCE }, () => {
  it("is tried again and again, an alert is raised, and what is accepted meanwhile is kept", async () => {
    rig.loopback.faults.refuse();
    up = await rig.up();
    const [person = ""] = PEOPLE;
    const { seat } = await rig.ask("send", { line: "sales", to: person, text: "for later" });
    await until(async () => (await rig.ask("alerts", {})).alerts.some(({ rule }) => rule === "device.unreachable"));
    expect((await rig.ask("status", {})).seats.find(({ id }) => id === seat)?.queue.open).toBe(1);
    note(person, "for later");
    rig.loopback.faults.healAll();
    await everythingArrived();
  });
});

/** In this process: that a command is one of its own, linking, sending and stopping show. */
const command = (...args: string[]): Promise<Ended> => inside(args, {}, rig.folder);
const note = (person: string, text: string): void => {
  accepted.set(person, [...(accepted.get(person) ?? []), text]);
};
const textsAt = (person: string): string[] => rig.loopback.person(person).received.map(({ text }) => text);
/** What another number may not send by itself, on a machine so busy that seats move, is released as an operator would. */
const everythingArrived = (): Promise<void> =>
  until(async () => {
    await rig.ask("release", { message: null, send: true });
    return missing().length === 0;
  });
/** Accepted, and not yet at its phone. */
const missing = (): string[] =>
  [...accepted].flatMap(([person, texts]) => {
    const got = new Set(textsAt(person));
    return texts.filter((text) => !got.has(text)).map((text) => `${person}: ${text}`);
  });
