/** A WhatsApp on loopback in a process of its own, told over IPC what to do. */
import { type Credentials, startLoopback } from "../../sim/loopback/index.ts";
import type { Answer, PeerOp, PublishedKeys } from "./messages.ts";

// libsignal prints whole sessions where the scripted phones use it.
console.info = () => undefined;
const loopback = await startLoopback();
const say = (message: object): void => void process.send?.(message);

const bytes = (text: string): Buffer => Buffer.from(text, "base64");
const credentialsOf = ({ noiseKey, identity, registration, signedPreKey, preKeys }: PublishedKeys): Credentials => ({
  noiseKey: bytes(noiseKey),
  identity: bytes(identity),
  registration: bytes(registration),
  signedPreKey: {
    id: bytes(signedPreKey.id),
    value: bytes(signedPreKey.value),
    signature: bytes(signedPreKey.signature),
  },
  preKeys: preKeys.map(({ id, value }) => ({ id: bytes(id), value: bytes(value) })),
});

const act = async (message: PeerOp): Promise<Answer> => {
  switch (message.op) {
    case "people":
      for (const number of message.numbers) loopback.person(number, { decrypt: message.reads, autoReceipts: false });
      return { lids: message.numbers.map((number) => loopback.person(number).lid) };
    case "adopt": {
      const account = loopback.account(message.number);
      const { device, signed } = account.adopt(credentialsOf(message.keys));
      return { device, signed: Buffer.from(signed).toString("base64"), lid: account.lid };
    }
    case "write":
      // A few at a time, so that the server's own encryption does not arrive as one burst.
      for (let sent = 0; sent < message.count; sent += 1) {
        for (const to of message.to) loopback.person(message.from).send(to, `message ${sent}`);
        await loopback.person(message.from).settled();
      }
      return {};
    case "silence":
      for (const target of message.targets) loopback.faults.silentPath(target);
      return { at: Date.now() };
    case "drop":
      for (const target of message.targets) loopback.faults.close(target, 428);
      return { at: Date.now() };
    case "heal":
      loopback.faults.healAll();
      return {};
    default:
      message satisfies never;
      return {};
  }
};

process.on("message", (message: PeerOp & { id: number }) => {
  act(message).then(
    (answer) => say({ re: message.id, ...answer }),
    (error: unknown) => say({ re: message.id, error: String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));
say({ ready: { url: loopback.url, root: loopback.rootPublicKey.toString("hex") } });
