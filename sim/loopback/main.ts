/** `greenroom loopback`: the test peer as a process of its own, until Ctrl-C. */
import { startLoopback } from "./index.ts";

export interface LoopbackArguments {
  port?: number;
  tlsPort?: number;
  json?: boolean;
}

export async function runLoopback({ port = 0, tlsPort, json = false }: LoopbackArguments): Promise<void> {
  // libsignal prints whole sessions, private keys included, where the scripted phones use it.
  console.info = () => undefined;
  const log = (line: string): void => {
    process.stderr.write(`${line}\n`);
  };
  const loopback = await startLoopback({ port, ...(tlsPort !== undefined && { tlsPort }), log });
  const { url, tlsUrl, adminUrl, rootPublicKey } = loopback;
  const text = json
    ? JSON.stringify({ url, tlsUrl, adminUrl, rootPublicKey: rootPublicKey.toString("hex"), boundTo: "127.0.0.1" })
    : introduction(url, tlsUrl, adminUrl, rootPublicKey);
  process.stdout.write(`${text}\n`);
  await new Promise<void>((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
  await loopback.close();
}

function introduction(url: string, tlsUrl: string | undefined, adminUrl: string, root: Buffer): string {
  return `A test peer that speaks WhatsApp's protocol. It is bound to 127.0.0.1, keeps everything in memory and knows nothing of WhatsApp.
  chat   ${url}${tlsUrl === undefined ? "" : `\n  chat   ${tlsUrl} (self-signed)`}
  admin  ${adminUrl}/state

Point Baileys at it:
  import { makeWASocket, WA_CERT_DETAILS } from "@whiskeysockets/baileys";
  WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from("${root.toString("hex")}", "hex");
  makeWASocket({ waWebSocketUrl: "${url}", auth });

Scan the QR code that it shows:
  curl -d "$QR" ${adminUrl}/mock-phone/scan-qr?number=15550001001

Ctrl-C ends it.`;
}
