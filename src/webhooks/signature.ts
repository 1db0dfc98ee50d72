/** Signatures as Standard Webhooks has them, so that any of its libraries can verify them: https://www.standardwebhooks.com */
import { createHmac } from "node:crypto";
import type { Millis } from "../../machines/ports/ids.ts";

/** One signature for each secret: while secrets are exchanged, a receiver may know the old one or the new one. */
export const signedHeaders = (
  secrets: readonly string[],
  id: string,
  at: Millis,
  body: string,
): Readonly<Record<string, string>> => {
  const timestamp = String(Math.floor(at / 1000));
  const signatures = secrets.map((secret) => `v1,${hmac(secret, `${id}.${timestamp}.${body}`)}`);
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    ...(signatures.length > 0 ? { "webhook-signature": signatures.join(" ") } : {}),
  };
};

const hmac = (secret: string, text: string): string => createHmac("sha256", keyOf(secret)).update(text).digest("base64");

/** `whsec_` and base64, as the standard writes it, or any other text as it is. */
const keyOf = (secret: string): Buffer =>
  secret.startsWith("whsec_") ? Buffer.from(secret.slice("whsec_".length), "base64") : Buffer.from(secret, "utf8");
