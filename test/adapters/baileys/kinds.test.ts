/** Every kind of message on its way from the outbox to a phone, which decrypts it and looks at what it got. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { downloadContentFromMessage, type proto } from "@whiskeysockets/baileys";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { ContactId, WaId } from "../../../machines/ports/ids.ts";
import type { Media, MessageContent } from "../../../machines/ports/store.ts";
import { type Loopback, type Person, startLoopback } from "../../../sim/loopback/index.ts";
import { contentOf } from "../../../src/adapters/baileys/reading.ts";
import { MediaFolder } from "../../../src/adapters/media/media-folder.ts";
import { until } from "../../sim/loopback/client.ts";
import { device, Rig } from "./rig.ts";

const a = device("sales-1/a");
const MASTER = "4915550000001";
const PATIENCE = 20_000;

describe("kinds of messages", () => {
  const directory = mkdtempSync(join(tmpdir(), "greenroom-kinds-"));
  const folder = new MediaFolder(join(directory, "media"), Buffer.alloc(32, 7));
  /** Media whose bytes can't be had at present. */
  const missing = new Set<string>();
  const seen = new Map<string, proto.IMessage>();
  let loopback: Loopback;
  let rig: Rig;
  let ana: Person;
  let ben: Person;
  let contact: ContactId;
  let group: string;
  beforeAll(async () => {
    loopback = await startLoopback({ tlsPort: 0 });
    [ana, ben] = [loopback.person("4915550000901"), loopback.person("4915550000902")];
    const master = loopback.account(MASTER);
    rig = await Rig.start({
      loopback,
      devices: [a],
      url: loopback.tlsUrl ?? "",
      allowSelfSigned: true,
      queryTimeout: 400,
      media: (id) => {
        if (missing.has(id)) throw new Error("the media of the message are no longer there");
        return folder.read(id);
      },
    });
    await rig.link(a, MASTER);
    await rig.serve(a);
    await rig.seat(a);
    contact = await rig.contact(ana.jid);
    group = master.createGroup("Support", [ana.number, ben.number]);
    for (const person of [ana, ben])
      person.onMessage(({ id }, content) => seen.set(`${person.number} ${id}`, content.ephemeralMessage?.message ?? content));
  }, 60_000);
  afterAll(async () => {
    await rig.close();
    await loopback.close();
    rmSync(directory, { recursive: true });
  });

  const stored = async (bytes: Uint8Array, mimetype: string): Promise<Media> => ({
    ...(await folder.put(bytes, 1e9)),
    mimetype,
  });
  const at = async (person: Person, id: string): Promise<proto.IMessage> =>
    until(() => seen.get(`${person.number} ${id}`), PATIENCE);
  const send = async (content: MessageContent, to = contact): Promise<string> => {
    const { command, fact } = await rig.send(a, to, content);
    expect(fact).toMatchObject({ kind: "sent" });
    await rig.fact("acked", ({ waId }) => waId === command.waId);
    return command.waId;
  };
  const inInbox = async (id: string): Promise<Uint8Array> => {
    for (;;) {
      const row = (await rig.inbox()).find(({ waId }) => waId === id);
      if (row) return row.proto;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  type Carrier = Pick<proto.Message.IImageMessage, "mediaKey" | "directPath" | "url" | "fileSha256" | "fileLength">;
  const download = async (
    carrier: Carrier | null | undefined,
    kind: "image" | "video" | "audio" | "document",
  ): Promise<Buffer> => {
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    onTestFinished(() => {
      delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    });
    const { mediaKey = null, directPath = null, url = null } = carrier ?? {};
    return buffer(await downloadContentFromMessage({ mediaKey, directPath, url }, kind));
  };

  it.each([
    ["an image", { kind: "image", caption: "né 👋" }, "image/jpeg", "imageMessage", "image"],
    ["a video", { kind: "video" }, "video/mp4", "videoMessage", "video"],
    ["music", { kind: "audio", voice: false, seconds: 3 }, "audio/mpeg", "audioMessage", "audio"],
    ["a voice note", { kind: "audio", voice: true }, "audio/ogg; codecs=opus", "audioMessage", "audio"],
    ["a document", { kind: "document", fileName: "plan.pdf" }, "application/pdf", "documentMessage", "document"],
  ] as const)("%s comes as it was stored", async (_, given, mimetype, field, kind) => {
    const bytes = randomBytes(70_001);
    const id = await send({ ...given, media: await stored(bytes, mimetype) });
    const carrier = (await at(ana, id))[field] as (Carrier & { mimetype?: string; caption?: string; ptt?: boolean }) | undefined;
    expect((await download(carrier, kind)).equals(bytes)).toBe(true);
    expect(Number(carrier?.fileLength)).toBe(bytes.length);
    expect(Buffer.from(carrier?.fileSha256 ?? []).equals(createHash("sha256").update(bytes).digest())).toBe(true);
    expect(carrier).toMatchObject({
      mimetype,
      ...("caption" in given ? { caption: given.caption } : {}),
      ...("voice" in given ? { ptt: given.voice } : {}),
      ...("fileName" in given ? { fileName: given.fileName } : {}),
    });
  });

  it("a document with words comes in the envelope that WhatsApp has for it", async () => {
    const bytes = randomBytes(900);
    const media = await stored(bytes, "text/plain");
    const id = await send({ kind: "document", fileName: "notes.txt", caption: "read this", media });
    const inner = (await at(ana, id)).documentWithCaptionMessage?.message?.documentMessage;
    expect(inner).toMatchObject({ fileName: "notes.txt", caption: "read this", mimetype: "text/plain" });
    expect((await download(inner, "document")).equals(bytes)).toBe(true);
  });

  it("a place and a contact come with all that was said of them", async () => {
    const place = await send({ kind: "location", latitude: -33.5, longitude: 151.25, name: "Pier", address: "1 Quay St" });
    expect((await at(ana, place)).locationMessage).toMatchObject({
      degreesLatitude: -33.5,
      degreesLongitude: 151.25,
      name: "Pier",
      address: "1 Quay St",
    });
    const card = await send({ kind: "contact", name: 'Ben; of "Ben, Ltd"', phone: "4915550000902" });
    const { displayName, vcard } = (await at(ana, card)).contactMessage ?? {};
    expect(displayName).toBe('Ben; of "Ben, Ltd"');
    expect(vcard?.split("\n")).toEqual([
      "BEGIN:VCARD",
      "VERSION:3.0",
      'N:;Ben\\; of "Ben\\, Ltd";;;',
      'FN:Ben\\; of "Ben\\, Ltd"',
      "TEL;type=CELL;type=VOICE;waid=4915550000902:+4915550000902",
      "END:VCARD",
    ]);
  });

  it("answers and reactions name the message, who wrote it, and show what it said", async () => {
    const ours = await send({ kind: "text", text: "shall we?" });
    const theirs = ana.send(MASTER, "yes, let us");
    await inInbox(theirs);
    const toOurs = (await at(ana, await send({ kind: "text", text: "so?", replyTo: ours as WaId }))).extendedTextMessage;
    expect(toOurs?.contextInfo).toMatchObject({ stanzaId: ours, quotedMessage: { conversation: "shall we?" } });
    const media = await stored(randomBytes(400), "image/png");
    const toTheirs = (await at(ana, await send({ kind: "image", media, replyTo: theirs as WaId }))).imageMessage;
    expect(toTheirs?.contextInfo).toMatchObject({ stanzaId: theirs, quotedMessage: { conversation: "yes, let us" } });
    expect(toTheirs?.contextInfo?.participant).not.toBe(toOurs?.contextInfo?.participant);
    const react = async (to: string, emoji: string) =>
      (await at(ana, await send({ kind: "reaction", to: to as WaId, emoji }))).reactionMessage;
    expect(await react(theirs, "👍")).toMatchObject({ text: "👍", key: { id: theirs, fromMe: false } });
    expect(await react(ours, "")).toMatchObject({ text: "", key: { id: ours, fromMe: true } });
  });

  it("all of that goes to groups as well, where it is said whose message is meant", async () => {
    const to = await rig.contact(group);
    const bytes = await sharp({ create: { width: 80, height: 60, channels: 3, background: "red" } })
      .png()
      .toBuffer();
    const id = await send({ kind: "image", caption: "for all", media: await stored(bytes, "image/png") }, to);
    for (const person of [ana, ben]) {
      const { imageMessage } = await at(person, id);
      expect(imageMessage).toMatchObject({ caption: "for all", width: 80, height: 60 });
      expect(Buffer.from(imageMessage?.jpegThumbnail ?? []).toString("hex")).toMatch(/^ffd8/);
      expect((await download(imageMessage, "image")).equals(bytes)).toBe(true);
    }
    const said = ben.sendGroup(group, "nice");
    await inInbox(said);
    const liked = (await at(ana, await send({ kind: "reaction", to: said as WaId, emoji: "❤️" }, to))).reactionMessage;
    expect(liked).toMatchObject({ text: "❤️", key: { id: said, fromMe: false, remoteJid: group, participant: ben.lid } });
  });

  it("a message that is sent again is the same message, and uploaded once for all who get it", async () => {
    const media = await stored(randomBytes(3000), "image/png");
    const { command } = await rig.send(a, contact, { kind: "image", caption: "once", media });
    const first = await at(ana, command.waId);
    missing.add(media.id);
    rig.port.perform({ ...command, attempt: 2 });
    await until(() => ana.arrivals.filter(({ id }) => id === command.waId).length === 2, PATIENCE);
    const other = await at(ana, await send({ kind: "image", caption: "for another", media }));
    expect(other.imageMessage?.directPath).toBe(first.imageMessage?.directPath);
    expect(other.imageMessage?.mediaKey).toEqual(first.imageMessage?.mediaKey);
  });

  it("what a phone could not read, it gets again with its picture, from a store that others wrote", async () => {
    const bytes = randomBytes(2000);
    const media = await stored(bytes, "image/png");
    ben.send(MASTER, "hello");
    const to = await rig.contact(ben.jid);
    await at(ben, await send({ kind: "text", text: "hello Ben" }, to));
    ben.forgetSessions();
    const { command } = await rig.send(a, to, { kind: "image", caption: "look", media });
    const again = await at(ben, command.waId);
    expect(ben.received.find(({ id }) => id === command.waId)?.retryCount).toBe(1);
    expect((await download(again.imageMessage, "image")).equals(bytes)).toBe(true);
  });

  it("an upload that WhatsApp does not take is tried again; bytes that are gone are not waited for", async () => {
    const media = await stored(randomBytes(1000), "image/png");
    loopback.faults.unanswered({ account: MASTER, device: 1 }, { answer: "media_conn" });
    // The link remembers where to upload to: another one has to ask.
    rig.port.perform({ op: "terminate", device: a });
    await rig.serve(a);
    const { command, fact } = await rig.send(a, contact, { kind: "image", media });
    expect(fact).toMatchObject({ kind: "unsent", why: "lookup", detail: "WhatsApp did not take the upload of the media" });
    loopback.faults.healAll();
    const since = rig.mark;
    rig.port.perform(command);
    expect(await rig.answer(command, since)).toMatchObject({ kind: "sent" });
    const gone = await stored(randomBytes(1001), "image/png");
    missing.add(gone.id);
    expect((await rig.send(a, contact, { kind: "image", media: gone })).fact).toMatchObject({
      kind: "unsent",
      why: "unpreparable",
      detail: "the media of the message are no longer there",
    });
  });

  it("what people send is told in one shape, whatever it is", async () => {
    const told = async (message: proto.IMessage) => {
      const id = ana.sendContent(MASTER, message);
      return contentOf(await inInbox(id));
    };
    expect(await told({ audioMessage: { ptt: true, seconds: 4, mimetype: "audio/ogg; codecs=opus", fileLength: 900 } })).toEqual({
      kind: "audio",
      text: null,
      replyTo: null,
      media: { mimetype: "audio/ogg; codecs=opus", bytes: 900, fileName: null, seconds: 4, isVoice: true },
      location: null,
      contacts: [],
    });
    expect(await told({ locationMessage: { degreesLatitude: 1.5, degreesLongitude: 2, name: "Pier" } })).toMatchObject({
      kind: "location",
      location: { latitude: 1.5, longitude: 2, name: "Pier", address: null },
    });
    expect(await told({ contactMessage: { displayName: "Ben", vcard: "BEGIN:VCARD" } })).toMatchObject({
      kind: "contact",
      contacts: [{ name: "Ben", vcard: "BEGIN:VCARD" }],
    });
  });
});
