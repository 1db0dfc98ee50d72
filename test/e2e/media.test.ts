/** A picture from a terminal to a phone, through a supervisor that is killed in between; both are processes of their own. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { downloadContentFromMessage, type proto } from "@whiskeysockets/baileys";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Loopback, startLoopback } from "../../sim/loopback/index.ts";
import { askSupervisor } from "../../src/cli/control-client.ts";
import { inside } from "../cli/inside.ts";
import { bareEnv, MAIN } from "../cli/process.ts";
import { until } from "./rig.ts";

const PATIENCE = 180_000;
const MASTER = "99900000001";
const ANA = "99910000001";
const PNG = Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), randomBytes(1_500_000)]);

let loopback: Loopback;
let folder: string;
let child: ChildProcess | undefined;
beforeAll(async () => {
  console.info = () => undefined;
  loopback = await startLoopback({ tlsPort: 0 });
  folder = mkdtempSync(join(tmpdir(), "greenroom-media-"));
  const fleet = {
    fleet: "acme",
    store: { file: "./acme.db" },
    accounts: { "sales-1": { role: "master", devices: ["a"] } },
    lines: { sales: { masters: ["sales-1"] } },
    whatsapp: { endpoint: loopback.tlsUrl, rootKey: loopback.rootPublicKey.toString("hex"), selfSigned: true },
  };
  // JSON is YAML.
  writeFileSync(join(folder, "fleet.yaml"), JSON.stringify(fleet));
  writeFileSync(join(folder, "parcel.png"), PNG);
}, PATIENCE);
afterAll(async () => {
  child?.kill("SIGKILL");
  await loopback.close();
  rmSync(folder, { recursive: true });
}, PATIENCE);

const socket = (): string => join(folder, "acme.db.sock");
const up = async (): Promise<void> => {
  child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN, "up", "fleet.yaml", "--json"], {
    cwd: folder,
    env: bareEnv(),
    stdio: "ignore",
  });
  await until(async () => {
    if (child?.exitCode !== null) throw new Error("the supervisor ended before it had started");
    return askSupervisor(socket(), "accounts", {}).then(
      () => true,
      () => false,
    );
  });
};
const serving = (): Promise<void> =>
  until(async () => (await askSupervisor(socket(), "status", {})).seats.every(({ phase }) => phase === "serving"));

it("is not lost when the supervisor dies after it took it, and comes as it was", { timeout: PATIENCE }, async () => {
  const person = loopback.person(ANA);
  const got = new Promise<proto.IMessage>((resolve) => person.onMessage((_, content) => resolve(content)));
  await up();
  const { offer } = await askSupervisor(socket(), "link", { device: "sales-1/a" });
  await loopback.account(MASTER).scanQr(offer?.text ?? "");
  await serving();
  loopback.faults.unanswered({ account: MASTER }, { answer: "media_conn" });
  const sent = await inside(["send", "sales", `+${ANA}`, "--image", join(folder, "parcel.png"), "--caption", "here it is"], {
    GREENROOM_SOCKET: socket(),
  });
  expect(sent).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Accepted: m\w+, by sales\/sales-1\n$/) });
  child?.kill("SIGKILL");
  if (child) await once(child, "exit");
  rmSync(join(folder, "parcel.png"));
  expect(readdirSync(join(folder, "acme.db.media"))).toHaveLength(1);
  loopback.faults.healAll();
  await up();
  const { imageMessage } = await got;
  expect(imageMessage).toMatchObject({ caption: "here it is", mimetype: "image/png" });
  process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
  const { mediaKey = null, directPath = null, url = null } = imageMessage ?? {};
  const back = await buffer(await downloadContentFromMessage({ mediaKey, directPath, url }, "image"));
  delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
  expect(back.equals(PNG)).toBe(true);
});
