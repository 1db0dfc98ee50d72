import { type BinaryNode, proto } from "@whiskeysockets/baileys";
import { describe, expect, it } from "vitest";
import type { AccountId } from "../../../machines/ports/ids.ts";
import { draftsOf, isCopy, type Owner } from "../../../src/adapters/baileys/inbound.ts";
import { device } from "./rig.ts";

const ME = "4915550000001";
const owner: Owner = {
  account: "sales-1" as AccountId,
  device: device("sales-1/a"),
  isMe: (jid) => jid.startsWith(ME) || jid.startsWith("80"),
};
const stanza = (attrs: Record<string, string>): BinaryNode => ({
  tag: "message",
  attrs: { id: "3A1", t: "1700000000", ...attrs },
});
const draft = (attrs: Record<string, string>, message: proto.IMessage) =>
  draftsOf(stanza(attrs), message, proto.Message.encode(message).finish(), owner, 5);
const said = ({ proto: bytes }: { proto: Uint8Array }): string | null | undefined => proto.Message.decode(bytes).conversation;

describe("rows of the inbox", () => {
  it("are made of what somebody writes, in a chat or a group, with bare addresses", () => {
    expect(draft({ from: "491777:3@s.whatsapp.net" }, { conversation: "hello" })).toMatchObject([
      { waId: "3A1", chat: "491777@s.whatsapp.net", sender: "491777@s.whatsapp.net", fromMe: false, sentAt: 1_700_000_000_000 },
    ]);
    expect(draft({ from: "12@g.us", participant: "77:2@lid" }, { conversation: "hello" })).toMatchObject([
      { chat: "12@g.us", sender: "77@lid", fromMe: false },
    ]);
  });

  it("are made of what our account wrote elsewhere, in the chat that it was written to", () => {
    const copy = { deviceSentMessage: { destinationJid: "491777@s.whatsapp.net", message: { conversation: "ours" } } };
    const attrs = { from: `${ME}:2@s.whatsapp.net`, recipient: "491777@s.whatsapp.net" };
    const rows = draft(attrs, copy);
    expect(rows).toMatchObject([{ chat: "491777@s.whatsapp.net", fromMe: true }]);
    expect(rows.map(said)).toEqual(["ours"]);
    expect(isCopy(stanza(attrs), owner)).toBe(true);
    expect(isCopy(stanza({ from: "491777@s.whatsapp.net" }), owner)).toBe(false);
    expect(isCopy(stanza({ ...attrs, category: "peer" }), owner)).toBe(false);
  });

  it("are not made of what is no message to the line", () => {
    const from = "491777@s.whatsapp.net";
    const key = { groupId: "12@g.us", axolotlSenderKeyDistributionMessage: Buffer.from([1]) };
    expect(draft({ from }, { protocolMessage: { type: proto.Message.ProtocolMessage.Type.REVOKE } })).toEqual([]);
    expect(draft({ from }, { senderKeyDistributionMessage: key })).toEqual([]);
    expect(draft({ from: "status@broadcast", participant: from }, { conversation: "a story" })).toEqual([]);
    expect(draft({ from: "123@newsletter" }, { conversation: "a post" })).toEqual([]);
    expect(draft({ from: `${ME}@s.whatsapp.net`, category: "peer" }, { conversation: "to ourselves" })).toEqual([]);
    expect(draft({ from }, {})).toEqual([]);
  });

  it("are made of what the phone sends on request, when a message came without its content", () => {
    const info = {
      key: { id: "3A2", remoteJid: "491777@s.whatsapp.net", fromMe: false },
      message: { conversation: "from the ad" },
    };
    const webMessageInfoBytes = proto.WebMessageInfo.encode({ ...info, messageTimestamp: 1_700_000_001 }).finish();
    const answer = {
      protocolMessage: {
        peerDataOperationRequestResponseMessage: {
          peerDataOperationResult: [{ placeholderMessageResendResponse: { webMessageInfoBytes } }, {}],
        },
      },
    };
    const rows = draft({ from: `${ME}@s.whatsapp.net`, category: "peer" }, answer);
    expect(rows).toMatchObject([{ waId: "3A2", chat: "491777@s.whatsapp.net", sentAt: 1_700_000_001_000 }]);
    expect(rows.map(said)).toEqual(["from the ad"]);
    // Anybody can write such a thing; only our own phone is believed.
    expect(draft({ from: "491777@s.whatsapp.net" }, answer)).toEqual([]);
  });
});
