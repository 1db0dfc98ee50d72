/**
 * kill -9 of `greenroom up` at random points of starting, and of linking, sending and `config apply` all at once: whatever is left boots,
 * keeps its links, and loses no message that was accepted. 100 times in `npm run test:full`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parse } from "yaml";
import type { FleetEditInput } from "../../src/config/index.ts";
import { bareEnv, MAIN } from "../cli/process.ts";
import { Rig, type Up, until } from "./rig.ts";

const KILLS = process.env["GREENROOM_FULL"] ? 100 : 2;
const PATIENCE = 120_000;
const CORE = ["sales-1/a", "sales-1/b", "sales-2/a"];
const PEOPLE = ["99910000001", "99910000002", "99910000003"];
/** Servants of which one is new at each linking; those before the last few leave the fleet again. */
const GUESTS = 3;

const seed = Number(process.env["GREENROOM_SEED"] ?? Date.now() % 1_000_000);
let drawn = seed;
/** 0 to below 1: a linear congruential generator (Numerical Recipes) is random enough for points in time. */
const draw = (): number => (drawn = (Math.imul(drawn, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
const later = (most: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, draw() * most));

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
  for (const person of PEOPLE) rig.loopback.person(person);
}, PATIENCE);
afterAll(() => rig.close(), PATIENCE);

const fleetWith = (guests: readonly string[], isSwapped: boolean): void => {
  const account = (role: string, devices: readonly string[]) => ({ role, devices });
  const masters = isSwapped ? ["sales-2", "sales-1"] : ["sales-1", "sales-2"];
  const fleet = {
    fleet: "acme",
    store: { file: "./acme.db" },
    accounts: {
      "sales-1": account("master", ["a", "b"]),
      "sales-2": account("master", ["a"]),
      ...Object.fromEntries(guests.map((guest) => [guest, account("servant", ["a"])])),
    },
    lines: {
      sales: { masters, servants: guests, failback: isSwapped ? "automatic" : "manual" },
      ...(isSwapped ? { help: { masters: ["sales-2"] } } : {}),
    },
  };
  // JSON is YAML.
  writeFileSync(join(rig.folder, "fleet.yaml"), JSON.stringify(fleet));
};
/** Whatever was under way, the file is whole. */
const guestsInFile = (): string[] => {
  const { accounts } = parse(readFileSync(join(rig.folder, "fleet.yaml"), "utf8")) as { accounts: object };
  return Object.keys(accounts).filter((account) => account.startsWith("guest-"));
};
const killed = async ({ child, ended }: Pick<Up, "child" | "ended">): Promise<void> => {
  child.kill("SIGKILL");
  await ended;
};
/** Without waiting for what it says. */
const killedWhileStarting = async (): Promise<void> => {
  const { url, rootPublicKey } = rig.loopback;
  const endpoint = ["--endpoint", url, "--endpoint-root-key", rootPublicKey.toString("base64")];
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", MAIN, "up", "fleet.yaml", ...endpoint, "--json"],
    {
      cwd: rig.folder,
      env: bareEnv(),
      stdio: "ignore",
    },
  );
  const ended = once(child, "exit");
  await later(3000);
  // It must not have ended by itself: that would be a start that failed.
  expect(child.exitCode).toBeNull();
  child.kill("SIGKILL");
  await ended;
};

it(`leaves what boots, with its links and every accepted message, ${KILLS} times (seed ${seed})`, {
  timeout: PATIENCE + KILLS * 15_000,
}, async () => {
  const accepted: string[] = [];
  let guests: string[] = [];
  let isSwapped = false;
  fleetWith(guests, isSwapped);
  const first = await rig.up();
  for (const device of CORE) await rig.link(device);
  await rig.serving();
  await killed(first);

  for (let kill = 0; kill < KILLS; kill++) {
    // The start, too, finds now and then another fleet than the last one left.
    if (draw() < 0.5) isSwapped = !isSwapped;
    if (kill % 2 === 1) {
      fleetWith(guests, isSwapped);
      await killedWhileStarting();
      continue;
    }
    const up = await rig.up();
    const { devices } = await rig.ask("accounts", {});
    expect(devices.filter(({ id }) => CORE.includes(id)).map(({ link }) => link)).toEqual(CORE.map(() => "linked"));
    const guest = `guest-${kill}`;
    // The one way the file is written by us, the other way by the supervisor.
    const byEdit = draw() < 0.5;
    if (!byEdit) {
      guests = [...guests, guest].slice(-GUESTS);
      fleetWith(guests, isSwapped);
    }
    const busy = Promise.all([byEdit ? editing(guests, guest) : applying(guest), sending(kill, accepted)]);
    // On a busy machine the first message may be late: without any there is nothing to lose.
    await until(() => Promise.resolve(accepted.length > 0));
    await later(2500);
    await killed(up);
    await busy;
    guests = guestsInFile();
  }

  const last = await rig.up();
  await rig.serving();
  for (const guest of guests) {
    const { devices } = await rig.ask("accounts", {});
    if (devices.find(({ id }) => id === `${guest}/a`)?.link !== "linked") await link(guest);
    await until(async () =>
      (await rig.ask("accounts", {})).devices.some(({ id, health }) => id === `${guest}/a` && health === "healthy"),
    );
  }
  // Another number may have taken over meanwhile: what waits for a word gets it.
  await until(async () => {
    if ((await rig.ask("held", { limit: 1 })).messages.length > 0) await rig.ask("release", { message: null, send: true });
    return missing(accepted).length === 0;
  });
  expect(accepted.length).toBeGreaterThan(0);
  expect(await rig.ask("apply", { dryRun: true })).toMatchObject({ changes: [] });
  last.child.kill("SIGTERM");
  expect(await last.ended).toBe(0);
});

const missing = (accepted: readonly string[]): readonly string[] => {
  const got = new Set(PEOPLE.flatMap((person) => rig.loopback.person(person).received.map(({ text }) => text)));
  return accepted.filter((text) => !got.has(text));
};

/** Whatever is refused, or breaks off with the process, is what this is about. */
const sending = async (kill: number, accepted: string[]): Promise<void> => {
  const sends = Array.from({ length: 40 }, async (_, index) => {
    await later(2500);
    const text = `kill ${kill}, message ${index}`;
    await rig.ask("send", { line: "sales", to: PEOPLE[index % PEOPLE.length] as string, text });
    accepted.push(text);
  });
  await Promise.allSettled(sends);
};
/** The file as it is now is taken up, and the servant that is new in it is linked. */
const applying = async (guest: string): Promise<void> => {
  await later(300);
  await Promise.allSettled([rig.ask("apply", {}).then(() => link(guest))]);
};
/** One comes, one goes, one after the other; what the last start was given is taken up before. */
const editing = async (guests: readonly string[], guest: string): Promise<void> => {
  const edit = (change: FleetEditInput): Promise<unknown> => rig.ask("edit", { edit: change });
  const [oldest] = guests.slice(0, Math.max(0, guests.length + 1 - GUESTS));
  await later(300);
  const work = async (): Promise<void> => {
    await rig.ask("apply", {});
    await edit({ kind: "servant.add", account: guest, line: "sales" });
    const leaving = oldest === undefined ? undefined : edit({ kind: "account.remove", account: oldest });
    await Promise.allSettled([link(guest), leaving]);
  };
  await Promise.allSettled([work()]);
};
/** As the owner does; of a number of its own, with one device at a time. */
const link = async (guest: string): Promise<void> => {
  const { offer } = await rig.ask("link", { device: `${guest}/a` });
  await rig.loopback.account(`9998${guest.replace("guest-", "").padStart(7, "0")}`).scanQr(offer?.text ?? "");
};
