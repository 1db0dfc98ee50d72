/**
 * The fleet that runs and the fleet file, which says what is wanted. What can be taken up without a restart is, on demand; the
 * rest is shown. A change that is asked for here is written into the file first: a start begins with it, so a crash at any point
 * leaves what boots, all of the change or none.
 */
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { isOpen } from "../../machines/delivery/outbox-state.ts";
import type { NodeConfig } from "../../machines/driver/boot.ts";
import { accountOf, type DeviceId, lineOf, type LineId, type SeatId } from "../../machines/ports/ids.ts";
import {
  type About,
  type AlertsConfig,
  changesOfAlerts,
  changesOfWebhooks,
  configErrorText,
  diffFleet,
  EditFault,
  editFleet,
  filesOfSecrets,
  type FleetConfig,
  type FleetDifference,
  type FleetEdit,
  liveFleet,
  type LoadedFleet,
  NOT_NAMED,
  secretsOfChannels,
  secretsOfWebhooks,
  type WebhookSetting,
} from "../config/index.ts";
import { ControlError } from "./control-protocol.ts";
import { readFleetText, writeFleetText } from "./fleet-file.ts";
import type { Supervisor } from "./supervisor.ts";
import type { Views } from "./views.ts";

export interface FleetDeskOptions {
  readonly fleet: FleetConfig;
  /** Reads the fleet file again, or `text` as if it stood there. null: the fleet has no file. */
  readonly reload: ((text?: string) => LoadedFleet) | null;
  readonly configOf: (fleet: FleetConfig) => NodeConfig;
  readonly supervisor: Pick<Supervisor, "reshape" | "report">;
  readonly views: Pick<Views, "ask" | "now" | "roster">;
  /** Has these webhooks run, and no others. Rejects if the store does not take it: then none is changed. */
  readonly setWebhooks: (wanted: readonly WebhookSetting[]) => Promise<void>;
  /** Has people told as that says from now on. */
  readonly setAlerts: (wanted: AlertsConfig) => void;
}
export interface FleetChange extends FleetDifference {
  /** It can be taken up while the fleet runs; otherwise by a restart. */
  readonly isLive: boolean;
}
export interface ApplyAnswer {
  readonly file: string;
  readonly changes: readonly FleetChange[];
  /** Those that are live have been taken up. */
  readonly applied: boolean;
  /** Of the file as it is now; null: the fleet has none. */
  readonly tag: string | null;
}
/** How far the file is from what runs. `isWrong`: it can't be read as a fleet. */
export interface Drift {
  readonly changes: number;
  /** Those of them that need a restart. */
  readonly restart: number;
  readonly isWrong: boolean;
}
/** Moves a seat; throws if that can't be. */
export type MoveSeat = (seat: SeatId, to: DeviceId) => Promise<unknown>;
interface Order {
  /** Tags of which the file must still have one; null: whatever it says by now. */
  readonly match: readonly string[] | null;
  readonly move: MoveSeat;
  readonly force: boolean;
  readonly by: string;
}
interface Plan {
  readonly changes: readonly FleetChange[];
  readonly next: FleetConfig;
}

const NO_DRIFT: Drift = { changes: 0, restart: 0, isWrong: false };

export class FleetDesk {
  readonly #options: FleetDeskOptions;
  #fleet: FleetConfig;
  /** One change after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #tag: { readonly of: string; readonly tag: string } | undefined;
  #drift:
    | { readonly of: string; readonly files: readonly string[]; readonly fleet: FleetConfig; readonly drift: Drift }
    | undefined;

  constructor(options: FleetDeskOptions) {
    this.#options = options;
    this.#fleet = options.fleet;
  }

  /** The fleet that runs. */
  get fleet(): FleetConfig {
    return this.#fleet;
  }
  get devices(): readonly DeviceId[] {
    return this.#fleet.accounts.flatMap(({ devices }) => devices);
  }
  /** What people call an account, a device or a line. */
  about(subject: string): About {
    return this.#fleet.about[subject] ?? NOT_NAMED;
  }

  /** Another one whenever the fleet file says something else; null: the fleet has no file, or it can't be read. */
  get tag(): string | null {
    if (this.#options.reload === null) return null;
    const of = savedAt(this.#fleet.file);
    if (of === GONE) return null;
    if (this.#tag?.of !== of) this.#tag = { of, tag: tagOf(readFleetText(this.#fleet.file)) };
    return this.#tag.tag;
  }

  /** Where the fleet file and the running fleet differ. Throws ControlError if the file is wrong. */
  plan(): ApplyAnswer {
    this.#options.views.roster();
    return { file: this.#fleet.file, changes: this.#planned(this.#read()).changes, applied: false, tag: this.tag };
  }

  /**
   * The same in figures. Whoever looks may do so often: it is read again only when it was saved, or a file that it takes a secret
   * from, or while it is wrong, which may be because such a file is not there yet.
   */
  drift(): Drift {
    if (this.#options.reload === null) return NO_DRIFT;
    const known = this.#drift;
    if (known?.fleet === this.#fleet && !known.drift.isWrong && known.of === savedAt(...known.files)) return known.drift;
    const loaded = this.#options.reload();
    const changes = loaded.ok ? this.#planned(loaded.fleet).changes : [];
    const restart = changes.filter(({ isLive }) => !isLive).length;
    const files = filesOf(loaded.ok ? loaded.fleet : this.#fleet);
    const drift = { changes: changes.length, restart, isWrong: !loaded.ok };
    this.#drift = { of: savedAt(...files), files, fleet: this.#fleet, drift };
    return drift;
  }

  /**
   * Seats whose holder is to go move first, each to a device that is well and stays. One that nobody could take refuses all of it,
   * before anything has changed but moves; with `force` it is left to a failover, or to nobody.
   */
  apply(order: Order): Promise<ApplyAnswer> {
    return this.#inTurn(() => {
      this.#options.views.roster();
      this.#mustMatch(order.match, this.tag);
      return this.#takeUp(this.#planned(this.#read()), order, () => undefined);
    });
  }

  /** Writes a change into the fleet file and takes it up. Refused while the file says something else that is not taken up yet. */
  edit(edit: FleetEdit, { dryRun, ...order }: Order & { readonly dryRun: boolean }): Promise<ApplyAnswer> {
    return this.#inTurn(async () => {
      this.#options.views.roster();
      const { file } = this.#fleet;
      const waiting = this.#planned(this.#read()).changes.filter(({ isLive }) => isLive);
      if (waiting.length > 0)
        throw new ControlError(
          "E_REFUSED",
          `${file} has changes that are not taken up: look at them with "config diff", apply them, then ask again`,
        );
      const before = readFleetText(file);
      this.#mustMatch(order.match, tagOf(before));
      const text = edited(before, edit);
      const loaded = this.#reload(text);
      if (!loaded.ok)
        throw new ControlError(
          "E_REFUSED",
          `it is no fleet then: ${loaded.errors.map(({ path, message }) => `${path}: ${message}`).join("; ")}`,
        );
      const plan = this.#planned(loaded.fleet);
      if (dryRun) return { file, changes: plan.changes, applied: false, tag: tagOf(before) };
      return this.#takeUp(plan, order, () => writeFleetText(file, before, text));
    });
  }

  #mustMatch(wanted: readonly string[] | null, tag: string | null): void {
    if (wanted === null || (tag !== null && wanted.includes(tag))) return;
    throw new ControlError("E_CHANGED", `${this.#fleet.file} says something else by now: look at it again, then ask again`);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  #reload(text?: string): LoadedFleet {
    const { reload } = this.#options;
    if (reload) return reload(text);
    throw new ControlError("E_REFUSED", "this fleet was defined in code and has no file: change it there");
  }
  #read(): FleetConfig {
    const loaded = this.#reload();
    if (loaded.ok) return loaded.fleet;
    throw new ControlError("E_REFUSED", `${this.#fleet.file} is wrong: ${loaded.errors.map(configErrorText).join("; ")}`);
  }

  #planned(wanted: FleetConfig): Plan {
    const next = liveFleet(this.#fleet, wanted);
    const changes = [
      ...diffFleet(this.#fleet, next).map((change) => ({ ...change, isLive: true })),
      ...diffFleet(next, wanted).map((change) => ({ ...change, isLive: false })),
    ];
    return { next, changes };
  }

  async #takeUp({ next, changes }: Plan, { move, force, by }: Order, write: () => void): Promise<ApplyAnswer> {
    const live = changes.filter(({ isLive }) => isLive);
    if (live.length > 0 && !force) {
      await this.#mustBeEmpty(next);
      await this.#vacate(next, move);
    }
    write();
    const answer = { file: this.#fleet.file, changes, applied: true, tag: this.tag };
    if (live.length === 0) return answer;
    await this.#audit(live, by);
    // The node knows nothing of names, webhooks and who is told of alerts.
    if (!isSame(this.#fleet, next)) await this.#reshape(next);
    if (changesOfWebhooks(this.#fleet.webhooks, next.webhooks).length > 0) await this.#setWebhooks(next.webhooks);
    if (changesOfAlerts(this.#fleet.alerts, next.alerts).length > 0) this.#options.setAlerts(next.alerts);
    this.#fleet = next;
    for (const { subject, text } of live) this.#options.supervisor.report({ type: "fleet.changed", subject, data: { text, by } });
    return answer;
  }

  /** What waits on a line that goes would wait for ever. */
  async #mustBeEmpty(next: FleetConfig): Promise<void> {
    const gone = this.#fleet.lines.filter(({ id }) => !next.lines.some((line) => line.id === id)).map(({ id }) => id);
    if (gone.length === 0) return;
    const { seats } = await this.#options.views.ask("outbox.counts", {});
    for (const id of gone) {
      const mine = seats.filter(({ seat, state }) => lineOf(seat) === id && (isOpen(state) || state === "held"));
      const count = mine.reduce((sum, each) => sum + each.count, 0);
      if (count > 0)
        throw new ControlError(
          "E_REFUSED",
          `${count} messages of line ${id} have not been sent: wait, or drop them ("held", "cancel"). With --force they stay in the store, and go on if the line comes back`,
        );
    }
  }

  async #vacate(next: FleetConfig, move: MoveSeat): Promise<void> {
    const speakers = new Map(next.lines.map((line) => [line.id, speakersOf(next, line.id)]));
    const { seats, devices } = this.#options.views.roster();
    const wanted = [...seats.values()].flatMap(({ id, line, account, holder }) => {
      const able = speakers.get(line);
      if (holder === null || able === undefined || able.includes(holder)) return [];
      const isWell = (device: DeviceId): boolean => devices.get(device)?.state === "healthy" && !devices.get(device)?.cordoned;
      const well = able.filter(isWell);
      const to = well.find((device) => accountOf(device) === account) ?? well[0];
      if (to === undefined)
        throw new ControlError(
          "E_REFUSED",
          `${id} would have nobody to speak for it: ${holder} is to go, and no other master of ${line} is well. Link one first, or use --force`,
        );
      return [{ id, to }];
    });
    for (const { id, to } of wanted) await move(id, to);
  }

  async #audit(changes: readonly FleetChange[], by: string): Promise<void> {
    const { views } = this.#options;
    const entries = changes.map(({ subject, text }) => ({
      at: views.now(),
      actor: by,
      action: "fleet.changed",
      subject,
      text,
      evidence: {},
    }));
    await views.ask("audit.append", { entries });
  }

  async #reshape(next: FleetConfig): Promise<void> {
    const { supervisor, configOf } = this.#options;
    const failure = await supervisor.reshape(configOf(next));
    if (failure !== null) throw new ControlError("E_STORE", `the fleet could not be changed: ${failure}. Apply it again`);
  }

  async #setWebhooks(wanted: readonly WebhookSetting[]): Promise<void> {
    try {
      await this.#options.setWebhooks(wanted);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new ControlError("E_STORE", `the webhooks could not be changed: ${why}. Apply it again`);
    }
  }
}

const edited = (text: string, edit: FleetEdit): string => {
  try {
    return editFleet(text, edit);
  } catch (error) {
    if (error instanceof EditFault) throw new ControlError("E_REFUSED", error.message);
    throw error;
  }
};

const isSame = (one: FleetConfig, other: FleetConfig): boolean =>
  diffFleet(one, { ...other, about: one.about, webhooks: one.webhooks, alerts: one.alerts }).length === 0;

/** The fleet file, and what it takes secrets from that are taken up while it runs. */
const filesOf = ({ file, webhooks, alerts }: FleetConfig): readonly string[] => [
  file,
  ...filesOfSecrets([...secretsOfWebhooks(webhooks), ...secretsOfChannels(alerts)], dirname(file)),
];

const GONE = "gone";
/** Another text for each save of one of them. */
const savedAt = (...files: readonly string[]): string =>
  files
    .map((file) => {
      const found = statSync(file, { throwIfNoEntry: false });
      return found ? `${found.mtimeMs} ${found.size} ${found.ino}` : GONE;
    })
    .join(", ");
const tagOf = (text: string): string => createHash("sha256").update(text).digest("base64url").slice(0, 22);

const speakersOf = ({ accounts, lines }: FleetConfig, id: LineId): readonly DeviceId[] => {
  const masters = lines.find((line) => line.id === id)?.masters ?? [];
  return masters.flatMap((master) => accounts.find((account) => account.id === master)?.devices ?? []);
};
