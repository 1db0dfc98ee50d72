/**
 * Linking a companion: offers until one is taken, then the pairing itself.
 *
 * Credentials stay in memory until WhatsApp has paired them; only then is what an earlier link left behind forgotten and the new
 * ones stored, and only after that does the phone get our signature. So no half-linked credentials exist in the store, and no
 * companion exists at WhatsApp whose credentials we have lost.
 */
import { configureSuccessfulPairing } from "@whiskeysockets/baileys";
import type { AuthenticationCreds, BinaryNode, WASocket } from "@whiskeysockets/baileys";
import type { LinkMethod } from "../../../machines/ports/connection.ts";
import { encodeCreds } from "./keys/codec.ts";
import type { Link } from "./link.ts";

export const offerAndPair = (
  link: Link,
  sock: WASocket,
  creds: AuthenticationCreds,
  method: LinkMethod,
  offered: () => void,
): void => {
  const { device, dial, clock, emit, keys, wipe, inTurn, logger, onPhone } = link.options;
  let codeAsked = false;
  const offer = (kind: "qr" | "code", text: string): void => {
    if (link.closed) return;
    offered();
    emit({ kind: "linkOffer", device, dial, at: clock.now(), offer: { kind, text } });
  };
  sock.ev.on("connection.update", ({ qr }) => {
    if (qr === undefined) return;
    if (method.kind === "qr") offer("qr", qr);
    // The first QR says that the noise handshake is done; a code asked for earlier would end up inside it.
    if (codeAsked || method.phone === undefined) return;
    codeAsked = true;
    sock.requestPairingCode(method.phone).then(
      (code) => offer("code", code),
      () => link.close({ kind: "ours" }),
    );
  });

  const pair = async (stanza: BinaryNode): Promise<void> => {
    const { reply, creds: paired } = configureSuccessfulPairing(stanza, creds);
    Object.assign(creds, paired);
    await inTurn(async () => {
      await wipe("linked anew");
      keys.forget();
      await keys.saveCreds(encodeCreds(creds));
    });
    link.write(reply);
    // It has just vouched for this device.
    onPhone(clock.now());
    emit({ kind: "linked", device, dial, at: clock.now(), jid: creds.me?.id ?? "", lid: creds.me?.lid ?? "" });
  };
  sock.ws.removeAllListeners("CB:iq,,pair-success");
  sock.ws.on("CB:iq,,pair-success", (stanza: BinaryNode) => {
    pair(stanza).catch((error: unknown) => {
      if (link.closed) return;
      logger.error(`pairing of ${device} failed: ${error instanceof Error ? error.message : "unknown"}`);
      link.close({ kind: "handshake", code: 400 });
    });
  });
};
