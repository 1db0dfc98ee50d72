/**
 * What a phone tells a device that was just linked: an app state key and its (empty) history, or where that lies.
 *
 * Without it the client waits twenty seconds for a history before it lets events out.
 */
import { randomBytes } from "node:crypto";
import { deflateSync } from "node:zlib";
import { encodeWAMessage, proto } from "@whiskeysockets/baileys";
import type { Device } from "./directory.ts";
import { el, stamp } from "./node.ts";
import { bundleOf } from "./prekeys.ts";
import type { Service } from "./service.ts";

const { ProtocolMessage } = proto.Message;
const { HistorySyncType } = proto.HistorySync;

const inline = (syncType: proto.HistorySync.HistorySyncType): Uint8Array =>
  deflateSync(proto.HistorySync.encode({ syncType, conversations: [], progress: 100, chunkOrder: 1 }).finish());

export async function shareHistory(service: Service, device: Device): Promise<void> {
  const { account } = device;
  // The same for all devices of an account: patches name the key they were written with.
  const keyId = Buffer.from([0, 0, 0, 0, 0, 1]);
  const keyShare: proto.IMessage = {
    protocolMessage: {
      type: ProtocolMessage.Type.APP_STATE_SYNC_KEY_SHARE,
      appStateSyncKeyShare: {
        keys: [
          {
            keyId: { keyId },
            keyData: {
              keyData: account.appStateKey,
              fingerprint: { rawId: 1, currentIndex: 0, deviceIndexes: [0] },
              timestamp: Date.now(),
            },
          },
        ],
      },
    },
  };
  const history = (syncType: proto.HistorySync.HistorySyncType): proto.IMessage => ({
    protocolMessage: {
      type: ProtocolMessage.Type.HISTORY_SYNC_NOTIFICATION,
      historySyncNotification: {
        syncType,
        chunkOrder: 1,
        progress: 100,
        ...(account.historyPath === undefined
          ? { initialHistBootstrapInlinePayload: inline(syncType) }
          : { directPath: account.historyPath, mediaKey: randomBytes(32) }),
      },
    },
  });
  for (const message of [keyShare, history(HistorySyncType.INITIAL_BOOTSTRAP), history(HistorySyncType.RECENT)]) {
    await account.phone.inTurn(async () => {
      const { signal } = account.phone;
      if (!signal.hasSession(device.lid)) await signal.startSession(device.lid, bundleOf(service, device));
      const { type, ciphertext } = await signal.encrypt(device.lid, encodeWAMessage(message));
      const attrs = {
        id: randomBytes(8).toString("hex").toUpperCase(),
        from: account.jid,
        type: "protocol",
        category: "peer",
        notify: account.name,
        t: stamp(),
      };
      service.deliver(device, el("message", attrs, [el("enc", { v: "2", type }, ciphertext)]));
    });
  }
}
