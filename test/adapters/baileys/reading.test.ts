import { proto } from "@whiskeysockets/baileys";
import { expect, it } from "vitest";
import { contentOf, isMessage } from "../../../src/adapters/baileys/reading.ts";

const read = (message: proto.IMessage) => contentOf(proto.Message.encode(message).finish());

it.each<[string, proto.IMessage, object]>([
  ["a plain text", { conversation: "hi" }, { kind: "text", text: "hi", replyTo: null }],
  [
    "an answer",
    { extendedTextMessage: { text: "yes", contextInfo: { stanzaId: "3A1" } } },
    { kind: "text", text: "yes", replyTo: "3A1" },
  ],
  ["a picture with a caption", { imageMessage: { caption: "look" } }, { kind: "image", text: "look", replyTo: null, media: {} }],
  ["a voice message", { audioMessage: { ptt: true } }, { kind: "audio", text: null, replyTo: null, media: { isVoice: true } }],
  [
    "a document in an envelope",
    { documentWithCaptionMessage: { message: { documentMessage: { caption: "the bill" } } } },
    { kind: "document", text: "the bill", replyTo: null, media: {} },
  ],
  [
    "what disappears",
    { ephemeralMessage: { message: { conversation: "soon gone" } } },
    { kind: "text", text: "soon gone", replyTo: null },
  ],
  ["a reaction", { reactionMessage: { text: "👍", key: { id: "3A2" } } }, { kind: "reaction", text: "👍", replyTo: "3A2" }],
  ["a place", { locationMessage: { degreesLatitude: 1 } }, { kind: "location", text: null, replyTo: null }],
  ["a poll", { pollCreationMessageV3: { name: "when?" } }, { kind: "other", text: null, replyTo: null }],
  ["nothing", {}, { kind: "other", text: null, replyTo: null }],
])("tells what %s says", (_, message, content) => {
  expect(read(message)).toMatchObject({ media: null, location: null, contacts: [], ...content });
});

it.each<[string, proto.IMessage, object]>([
  [
    "a picture",
    { imageMessage: { mimetype: "image/png", fileLength: 12 } },
    { mimetype: "image/png", bytes: 12, fileName: null, seconds: null, isVoice: false },
  ],
  [
    "a document in an envelope",
    { documentWithCaptionMessage: { message: { documentMessage: { fileName: "a.pdf", mimetype: "application/pdf" } } } },
    { mimetype: "application/pdf", bytes: null, fileName: "a.pdf", seconds: null, isVoice: false },
  ],
  [
    "a voice note",
    { audioMessage: { ptt: true, seconds: 4 } },
    { mimetype: null, bytes: null, fileName: null, seconds: 4, isVoice: true },
  ],
])("tells what comes with %s", (_, message, media) => {
  expect(read(message).media).toEqual(media);
});

it("tells where a place is, and who is on a card or on several", () => {
  expect(read({ locationMessage: { degreesLatitude: 1, degreesLongitude: -2, name: "Pier" } }).location).toEqual({
    latitude: 1,
    longitude: -2,
    name: "Pier",
    address: null,
  });
  expect(read({ liveLocationMessage: { degreesLatitude: 1, degreesLongitude: -2 } }).location).toMatchObject({ latitude: 1 });
  const [ana, ben] = [
    { displayName: "Ana", vcard: "A" },
    { displayName: "Ben", vcard: "B" },
  ];
  expect(read({ contactMessage: ana }).contacts).toEqual([{ name: "Ana", vcard: "A" }]);
  expect(read({ contactsArrayMessage: { contacts: [ana, ben] } }).contacts).toHaveLength(2);
});

it("takes bytes that are no message for something else, and does not fall over them", () => {
  expect(contentOf(new Uint8Array([255, 255, 255]))).toMatchObject({ kind: "other", text: null, replyTo: null });
});

it("knows a message from what is none", () => {
  const encode = (message: proto.IMessage): Uint8Array => proto.Message.encode(message).finish();
  const bytes = [encode({ conversation: "x" }), encode({}), new Uint8Array([255, 255, 255])];
  expect(bytes.map(isMessage)).toEqual([true, false, false]);
});
