/** The server's process: a WhatsApp on loopback that is told over IPC what to do. */
import { startLoopback } from "../../sim/loopback/index.ts";
import type { ToServer } from "./messages.ts";

const loopback = await startLoopback();
const say = (message: object): void => void process.send?.(message);

process.on("message", (message: ToServer) => {
  const done = (value: object = {}): void => say({ re: message.id, ...value });
  const act = async (): Promise<void> => {
    switch (message.op) {
      case "accounts":
        for (const number of message.numbers) loopback.account(number);
        return done();
      case "people":
        for (const number of message.numbers) loopback.person(number, { decrypt: message.reads, autoReceipts: false });
        return done({ lids: message.numbers.map((number) => loopback.person(number).lid) });
      case "scan":
        await loopback.account(message.number).scanQr(message.qr);
        return done();
      case "write": {
        // A few at a time, so that the server's own encryption does not arrive as one burst.
        for (let sent = 0; sent < message.count; sent += 1) {
          for (const to of message.to) loopback.person(message.from).send(to, `message ${sent}`);
          await loopback.person(message.from).settled();
        }
        return done();
      }
      default:
        message satisfies never;
    }
  };
  act().catch((error: unknown) => say({ re: message.id, error: String(error) }));
});
process.on("disconnect", () => process.exit(0));
say({ ready: { url: loopback.url, root: loopback.rootPublicKey.toString("hex") } });
