/** What may be sent, and what is refused at the door: no device is linked here, so nothing is dialled. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSupervisor, defineFleet, type FleetSupervisor, type OutgoingContent } from "../../src/index.ts";
import { sendMessage } from "../../src/runtime/sending.ts";
import type { Supervisor } from "../../src/runtime/supervisor.ts";
import type { Views } from "../../src/runtime/views.ts";

const JPEG = Buffer.concat([Buffer.from("ffd8ffe000104a46494600", "hex"), Buffer.alloc(500, 1)]);
const PNG = Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), Buffer.alloc(500, 2)]);
const OGG = Buffer.concat([Buffer.from("OggS"), Buffer.alloc(500, 3)]);
const MP4 = Buffer.concat([Buffer.from("0000001866747970", "hex"), Buffer.from("isom"), Buffer.alloc(500, 4)]);
const PDF = Buffer.concat([Buffer.from("%PDF-1.7"), Buffer.alloc(500, 5)]);
const NO_MESSAGE = new Uint8Array([255, 255, 255]);

describe("what is sent", () => {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-sending-"));
  const database = join(folder, "acme.db");
  const fileOf = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  let supervisor: FleetSupervisor;
  beforeAll(async () => {
    const fleet = defineFleet(
      {
        fleet: "acme",
        store: { file: database },
        accounts: { "sales-1": { role: "master", devices: ["a"] } },
        lines: {
          sales: { masters: ["sales-1"] },
          world: {
            masters: ["sales-1"],
            strategy: "geo",
            balance: {
              geo: {
                regions: { eu: { masters: ["sales-1"], countries: ["DE"] }, us: { countries: ["US"], distances: { eu: 6200 } } },
              },
            },
          },
        },
      },
      { env: {}, folder },
    );
    supervisor = createSupervisor(fleet, { env: {}, logger: pino({ level: "silent" }) });
    await supervisor.start();
  });
  afterAll(async () => {
    await supervisor.stop();
    rmSync(folder, { recursive: true });
  });
  const send = (content: OutgoingContent) => supervisor.send({ line: "sales", to: "+49 170 1234567", content });
  it.each<[string, () => object]>([
    ["a JPEG as bytes", () => ({ kind: "image", bytes: JPEG, caption: "look" })],
    ["a PNG file", () => ({ kind: "image", file: fileOf("a.dat", PNG) })],
    ["a video", () => ({ kind: "video", file: fileOf("a.mp4", MP4) })],
    ["speech in MPEG-4", () => ({ kind: "audio", file: fileOf("a.m4a", MP4), seconds: 2 })],
    [
      "music of which nothing but the name says what it is",
      () => ({ kind: "audio", file: fileOf("a.mp3", Buffer.alloc(99, 7)) }),
    ],
    ["a voice note", () => ({ kind: "audio", bytes: OGG, voice: true })],
    ["any document", () => ({ kind: "document", file: fileOf("a.xyz", Buffer.alloc(9, 1)) })],
    [
      "a document that calls itself something",
      () => ({ kind: "document", bytes: PDF, mimetype: "text/plain", fileName: "x.txt" }),
    ],
    ["a place", () => ({ kind: "location", latitude: -90, longitude: 180 })],
    ["a contact", () => ({ kind: "contact", name: "Ana", phone: "+49 (170) 1234-567" })],
    ["a reaction of several code points", () => ({ kind: "reaction", to: "3EB0A", emoji: "👩‍👩‍👧" })],
    ["a reaction taken back", () => ({ kind: "reaction", to: "3EB0A", emoji: "" })],
    ["an answer", () => ({ kind: "text", text: "yes", replyTo: "3EB0A" })],
  ])("takes %s", async (_, content) => {
    await expect(send(content() as OutgoingContent)).resolves.toEqual({
      id: expect.stringMatching(/^m[0-9a-z]{20}$/),
      seat: "sales/sales-1",
      duplicate: false,
    });
  });

  it("has the priority and the end that the terminal gives it", async () => {
    const before = Date.now();
    const message = { line: "sales", to: "+49 170 1234567", text: "hi", priority: 0, expiresIn: 60_000 };
    const { id } = await supervisor.ask("send", message);
    const { priority, expiresAt, state, attempts, kind } = await supervisor.ask("message", { message: id });
    expect({ priority, state, attempts, kind }).toEqual({ priority: 0, state: "accepted", attempts: [], kind: "text" });
    expect(expiresAt).toBeGreaterThanOrEqual(before + 60_000);
    expect(expiresAt).toBeLessThanOrEqual(Date.now() + 60_000);
    await expect(supervisor.ask("message", { message: "m0" })).rejects.toMatchObject({ code: "E_UNKNOWN_MESSAGE" });
  });

  it("is for a region that the line has, if the line has any", async () => {
    const message = { to: "+49 170 1234567", text: "hi" };
    await expect(supervisor.ask("send", { ...message, line: "world", region: "us" })).resolves.toMatchObject({
      duplicate: false,
    });
    await expect(supervisor.ask("send", { ...message, line: "sales", region: "mars" })).resolves.toMatchObject({
      duplicate: false,
    });
    await expect(supervisor.ask("send", { ...message, line: "world", region: "mars" })).rejects.toMatchObject({
      code: "E_BAD_REQUEST",
      message: expect.stringContaining('region: world has no region "mars", but eu, us'),
    });
  });

  it("keeps media beside the store, once however often they are sent, before it says that it took them", async () => {
    const media = `${database}.media`;
    await send({ kind: "image", bytes: Buffer.concat([JPEG, Buffer.from("new")]) });
    const before = readdirSync(media).length;
    const { id } = await send({ kind: "image", file: fileOf("again.jpg", Buffer.concat([JPEG, Buffer.from("new")])) });
    expect(id).toMatch(/^m[0-9a-z]{20}$/);
    expect(readdirSync(media)).toHaveLength(before);
  });

  it("takes its own id for the message that is answered, and says if there is none", async () => {
    const { id } = await send({ kind: "text", text: "first" });
    await expect(send({ kind: "reaction", to: id, emoji: "👍" } as OutgoingContent)).resolves.toMatchObject({ duplicate: false });
    const unknown = `m${"0".repeat(20)}`;
    await expect(send({ kind: "text", text: "x", replyTo: unknown } as OutgoingContent)).rejects.toMatchObject({
      code: "E_UNKNOWN_MESSAGE",
      message: expect.stringContaining(`content.replyTo: there is no message ${unknown}`),
    });
  });

  it.each<[string, () => object, RegExp]>([
    ["no kind", () => ({ text: "hi" }), /→ at kind/],
    ["an unknown kind", () => ({ kind: "poll" }), /→ at kind/],
    ["no text", () => ({ kind: "text", text: "" }), /→ at text/],
    ["a text too long", () => ({ kind: "text", text: "x".repeat(65_537) }), /65536.* → at text/],
    ["a misspelt field", () => ({ kind: "image", bytes: JPEG, captoin: "x" }), /captoin/],
    ["a caption too long", () => ({ kind: "image", bytes: JPEG, caption: "x".repeat(1025) }), /1024.* → at caption/],
    ["neither bytes nor a file", () => ({ kind: "image" }), /content\.media: give the bytes, or what was uploaded, or a file/],
    ["both", () => ({ kind: "image", bytes: JPEG, file: "x" }), /content\.media: give the bytes/],
    ["no bytes in it", () => ({ kind: "image", bytes: new Uint8Array() }), /there are none → at bytes/],
    ["an empty file", () => ({ kind: "image", file: fileOf("empty.jpg", Buffer.alloc(0)) }), /content\.file: it is empty/],
    [
      "a file that is not there",
      () => ({ kind: "image", file: join(folder, "nowhere") }),
      /content\.file: .*nowhere can't be read/,
    ],
    ["a folder", () => ({ kind: "image", file: folder }), /content\.file: .*it is no file/],
    [
      "a PDF as an image",
      () => ({ kind: "image", bytes: PDF }),
      /content\.bytes: it is application\/pdf; WhatsApp takes image\/jpeg/,
    ],
    [
      "noise as an image",
      () => ({ kind: "image", bytes: Buffer.alloc(99), mimetype: "image/png" }),
      /its bytes are not image\/jpeg/,
    ],
    ["noise as a video", () => ({ kind: "video", bytes: Buffer.alloc(99) }), /content\.mimetype: say what it is: video\/mp4/],
    ["an image as a video", () => ({ kind: "video", bytes: PNG }), /content\.bytes: it is image\/png/],
    [
      "music as a voice note",
      () => ({ kind: "audio", bytes: MP4, voice: true }),
      /content\.bytes: a voice note is Opus in an Ogg file/,
    ],
    [
      "an image too large",
      () => ({ kind: "image", bytes: Buffer.concat([JPEG, Buffer.alloc(16_000_000)]) }),
      /content\.bytes: 16,000,511 bytes; WhatsApp takes at most 16,000,000/,
    ],
    ["a place off the earth", () => ({ kind: "location", latitude: 91, longitude: 0 }), /→ at latitude/],
    ["a contact without a number", () => ({ kind: "contact", name: "Ana", phone: "home" }), /→ at phone/],
    ["a reaction in words", () => ({ kind: "reaction", to: "3EB0A", emoji: "ok" }), /expected one emoji.* → at emoji/],
    ["a letter for an emoji", () => ({ kind: "reaction", to: "3EB0A", emoji: "x" }), /expected one emoji/],
    ["a message that is none", () => ({ kind: "raw", proto: NO_MESSAGE }), /content\.proto: the bytes are no WhatsApp message/],
    ["what somebody else stored", () => ({ kind: "image", media: { id: "x", bytes: 1, mimetype: "image/png" } }), /media/],
  ])("refuses %s, with the field and the reason", async (_, content, reason) => {
    const before = existsSync(`${database}.media`) ? readdirSync(`${database}.media`).length : 0;
    await expect(send(content() as OutgoingContent)).rejects.toMatchObject({
      code: "E_BAD_REQUEST",
      message: expect.stringMatching(reason),
    });
    expect(readdirSync(`${database}.media`)).toHaveLength(before);
  });
});

describe("what is said of a message", () => {
  const asked = async (more: object): Promise<unknown> => {
    let request: unknown;
    const supervisor = {
      node: { regionsOf: () => ["eu"] },
      accept: async (given: unknown) => {
        request = given;
        return { kind: "accepted", id: "m1", seat: "sales/sales-1", duplicate: false };
      },
    } as unknown as Supervisor;
    const views = { roster: () => ({ lines: new Map([["sales", {}]]) }), now: () => 1_000 } as unknown as Views;
    await sendMessage(
      { supervisor, views },
      { line: "sales", to: "+49 170 1234567", content: { kind: "text", text: "hi" }, ...more },
    );
    return request;
  };
  const PLAIN = {
    line: "sales",
    to: { lid: null, pn: "491701234567@s.whatsapp.net" },
    content: { kind: "text", text: "hi" },
  };

  it("goes along with it: key, priority, region, and when it expires", async () => {
    expect(await asked({})).toEqual(PLAIN);
    expect(await asked({ key: "k", priority: 0, region: "eu", expiresIn: 500 })).toEqual({
      ...PLAIN,
      idempotencyKey: "k",
      priority: 0,
      region: "eu",
      expiresAt: 1_500,
    });
  });
});
