/** What a running supervisor does about each request of `requests.ts`. */
import { randomBytes } from "node:crypto";
import { fits, type Silence } from "../../machines/alerts/silence.ts";
import { accountOf } from "../../machines/ports/ids.ts";
import { didYouMean, listed } from "../config/index.ts";
import { ControlError, type ControlHandlers } from "../runtime/control-protocol.ts";
import type { Views } from "../runtime/views.ts";
import type { AlertDesk } from "./desk.ts";
import { reportOf } from "./report.ts";
import type { ALERT_REQUESTS } from "./requests.ts";
import type { AlertHistoryRow, AlertStore } from "./store.ts";

export interface AlertParts {
  readonly desk: AlertDesk;
  readonly store: AlertStore;
  readonly views: Views;
  /** Who asks. */
  readonly by: () => string;
}

/** Of one report. */
const MOST_REPORTED = 100_000;

export const alertHandlers = ({ desk, store, views, by }: AlertParts): Pick<ControlHandlers, keyof typeof ALERT_REQUESTS> => {
  const named = (alert: string): Promise<AlertHistoryRow> => alertNamed(store, alert);
  return {
    alerts: async ({ all, ...search }) => ({ now: views.now(), alerts: await store.history({ ...search, openOnly: !all }) }),
    alertShow: async ({ alert: wanted }) => {
      const alert = await named(wanted);
      const silencedBy = desk.silences.filter((silence) => fits(silence, alert));
      return { now: views.now(), alert, notices: await store.notices(alert), silencedBy };
    },
    alertAcknowledge: async ({ alert: wanted }) => {
      const alert = await named(wanted);
      if (alert.state !== "open") throw new ControlError("E_REFUSED", `${alert.key} is over: there is nothing to acknowledge`);
      if (alert.acknowledged)
        throw new ControlError("E_REFUSED", `${alert.acknowledged.by} has acknowledged ${alert.key} already`);
      await desk.acknowledge(alert, by());
      return { now: views.now(), alert: await named(alert.key) };
    },
    alertSilences: () => ({ now: views.now(), silences: desk.silences, channels: desk.channels }),
    alertSilence: async ({ rule, subject, from, for: length, why }) => {
      const begins = from ?? views.now();
      if (begins + length <= views.now())
        throw new ControlError("E_BAD_REQUEST", "from and for: that is over already, and would silence nothing");
      const id = randomBytes(4).toString("hex");
      const silence: Silence = { id, rule, subject, from: begins, until: begins + length, by: by(), why };
      await desk.silence(silence);
      return { silence };
    },
    alertUnsilence: async ({ silence: id }) => {
      const silence = desk.silences.find((each) => each.id === id);
      if (!silence)
        throw unknown(
          "silence",
          id,
          desk.silences.map((each) => each.id),
        );
      await desk.unsilence(silence, by());
      return { silence };
    },
    alertTest: async ({ channel }) => {
      const names = desk.channels.map(({ name }) => name);
      if (channel !== null && !names.includes(channel)) throw unknown("channel", channel, names);
      return { tested: await desk.test(channel, by()) };
    },
    alertReport: async ({ by: what, ...search }) => {
      const rows = await store.history({ ...search, openOnly: false, limit: MOST_REPORTED });
      return { now: views.now(), rows: reportOf(rows, what, (subject) => accountNamed(views, subject)) };
    },
  };
};

/** By its key, or its subject if that has one open alert. */
const alertNamed = async (store: AlertStore, wanted: string): Promise<AlertHistoryRow> => {
  const everything = { rule: null, subject: null, from: null, to: null, limit: 1000 };
  const open = await store.history({ ...everything, openOnly: true });
  const about = open.filter(({ key, subject }) => key === wanted || subject === wanted);
  if (about.length === 1 && about[0]) return about[0];
  if (about.length > 1)
    throw new ControlError("E_UNKNOWN_SUBJECT", `${wanted} may be ${about.map(({ key }) => key).join(" or ")}: write the key`);
  const [rule = null, subject = null] = wanted.split(/:(.*)/s);
  const past = (await store.history({ ...everything, rule, subject, openOnly: false })).find(({ key }) => key === wanted);
  if (past) return past;
  throw unknown(
    "alert",
    wanted,
    open.map(({ key }) => key),
  );
};

const unknown = (what: string, name: string, known: readonly string[]): ControlError =>
  new ControlError(
    "E_UNKNOWN_SUBJECT",
    `there is no ${what} ${name}.${didYouMean(name, known)} There are: ${listed(known, 40) || "none"}`,
  );

const accountNamed = (views: Views, subject: string): string | null => {
  const { accounts, devices, seats } = views.roster();
  const seat = [...seats.values()].find(({ id }) => id === subject);
  if (seat) return seat.account;
  const device = [...devices.keys()].find((id) => id === subject);
  if (device) return accountOf(device);
  return [...accounts.keys()].find((id) => id === subject) ?? null;
};
