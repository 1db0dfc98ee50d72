/** The phone's half of linking by an eight-character code instead of a QR code. */
import { createCipheriv, createDecipheriv, hkdfSync, pbkdf2, randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { Curve } from "@whiskeysockets/baileys";
import type { Account } from "./directory.ts";
import { child, el, type Node, requiredBytes, SERVER, stamp } from "./node.ts";
import type { CodeRequest, Registration } from "./registration.ts";
import type { Service } from "./service.ts";

const derive = promisify(pbkdf2);
const ITERATIONS = 131_072;
const EXCHANGE_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 1000;
const POLL_MS = 20;
const NOTHING = Buffer.alloc(0);

const keyOf = (code: string, salt: Buffer): Promise<Buffer> => derive(code, salt, ITERATIONS, 32, "sha256");
const hkdf = (input: Buffer, salt: Buffer, info: string): Buffer => Buffer.from(hkdfSync("sha256", input, salt, info, 32));

/** Links the client that asked for a code for this account's number. */
export async function enterPairingCode(service: Service, account: Account, code: string): Promise<{ device: number }> {
  const { registration, request } = await waitingFor(service, account.number);
  const { wrappedEphemeral } = request;
  const unwrap = createDecipheriv(
    "aes-256-ctr",
    await keyOf(code, wrappedEphemeral.subarray(0, 32)),
    wrappedEphemeral.subarray(32, 48),
  );
  const theirs = Buffer.concat([unwrap.update(wrappedEphemeral.subarray(48)), unwrap.final()]);
  const ours = Curve.generateKeyPair();
  const salt = randomBytes(32);
  const iv = randomBytes(16);
  const wrap = createCipheriv("aes-256-ctr", await keyOf(code, salt), iv);
  const wrapped = Buffer.concat([salt, iv, wrap.update(ours.public), wrap.final()]);
  const { identity } = account.phone.signal;

  const finish = finishOf(registration);
  registration.link.send(
    el("notification", { type: "link_code_companion_reg", from: SERVER, id: service.nextId(), t: stamp() }, [
      el("link_code_companion_reg", { stage: "primary_hello" }, [
        el("link_code_pairing_wrapped_primary_ephemeral_pub", {}, wrapped),
        el("primary_identity_pub", {}, Buffer.from(identity.public)),
        el("link_code_pairing_ref", {}, Buffer.from(request.ref)),
      ]),
    ]),
  );
  const answer = await finish;
  const shared = Buffer.from(Curve.sharedKey(ours.private, theirs));
  const { companionIdentity, random } = openBundle(
    requiredBytes(child(answer, "link_code_pairing_wrapped_key_bundle"), "key bundle"),
    shared,
  );
  const identities = Buffer.from(Curve.sharedKey(identity.private, companionIdentity));
  const advSecret = hkdf(Buffer.concat([shared, identities, random]), NOTHING, "adv_secret");
  return registration.vouch(service, account, advSecret);
}

/** A client shows its code as soon as it has written its request, so the request may still be on its way. */
async function waitingFor(service: Service, number: string): Promise<{ registration: Registration; request: CodeRequest }> {
  for (let waited = 0; waited < REQUEST_TIMEOUT_MS; waited += POLL_MS) {
    const waiting = [...service.registrations.values()].toReversed().find((registration) => registration.code?.number === number);
    if (waiting?.code) return { registration: waiting, request: waiting.code };
    await setTimeout(POLL_MS);
  }
  throw new Error(`no client has asked for a pairing code for ${number}`);
}

/** The client's half. A wrong code gives it a wrong key, which only shows here. */
function finishOf(registration: Registration): Promise<Node> {
  return new Promise((resolve, reject) => {
    registration.finishCode = (node) => {
      registration.finishCode = undefined;
      resolve(node);
    };
    void setTimeout(EXCHANGE_TIMEOUT_MS, undefined, { ref: false }).then(() =>
      reject(new Error("the client did not answer the code")),
    );
  });
}

function openBundle(bundle: Buffer, shared: Buffer): { companionIdentity: Buffer; random: Buffer } {
  const key = hkdf(shared, bundle.subarray(0, 32), "link_code_pairing_key_bundle_encryption_key");
  const decipher = createDecipheriv("aes-256-gcm", key, bundle.subarray(32, 44));
  decipher.setAuthTag(bundle.subarray(bundle.length - 16));
  try {
    const plain = Buffer.concat([decipher.update(bundle.subarray(44, bundle.length - 16)), decipher.final()]);
    return { companionIdentity: plain.subarray(0, 32), random: plain.subarray(64, 96) };
  } catch (cause) {
    throw new Error("the pairing code is not the one that the client shows", { cause });
  }
}
