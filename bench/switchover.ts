/**
 * Switchovers on the demo's fleet, real Baileys on the loopback server: every seat goes to another device and comes back while 50
 * messages a second go through that very seat, and nobody may notice. Measured from acceptance to the first proof that WhatsApp has
 * the message: what a switchover adds is that span for messages of the seat accepted while it moves, less the median of all others.
 */
import type { ConnectionFact } from "../machines/ports/connection.ts";
import type { DeviceId, SeatId } from "../machines/ports/ids.ts";
import { isIntact } from "../sim/demo/count.ts";
import { type DemoPerson, type DemoSeat, MEMBERS, PEOPLE, SEATS } from "../sim/demo/fleet.ts";
import { type Stage, setStage } from "../sim/demo/stage.ts";
import { Traffic } from "../sim/demo/traffic.ts";
import { pause, waitUntil } from "../sim/demo/waiting.ts";
import { atLeastOne, readOptions } from "./options.ts";
import { median, quantile, type Report, report } from "./report.ts";

export interface SwitchoverOptions {
  readonly json: boolean;
  /** Each seat there and back once: to see that it works, not to quote. */
  readonly quick?: boolean;
  readonly rounds?: number;
}

/** About 200 messages a round meet a move, in 12 seconds. */
const ROUNDS = 10;
/** These are measured; the demo's own traffic, 20 a second over all seats and the people's answers, goes on beside them. */
const PER_SECOND = 50;
const BETWEEN = 1000;
const MOVES_WITHIN = 10_000;

interface Sent {
  readonly seat: SeatId;
  readonly at: number;
}
interface Move {
  readonly seat: SeatId;
  readonly from: number;
  readonly until: number;
  readonly isTwin: boolean;
}

export const runSwitchoverBench = async ({
  json,
  quick = false,
  rounds = quick ? 1 : ROUNDS,
}: SwitchoverOptions): Promise<Report> => {
  const provedAt = new Map<string, number>();
  const sent = new Map<string, Sent>();
  const refused: string[] = [];
  const stage = await setStage({ say: () => undefined, onFact: (fact) => noteProof(provedAt, fact) });
  const traffic = new Traffic(stage);
  let extra: NodeJS.Timeout | undefined;
  try {
    await stage.linkAll();
    await traffic.start();
    stage.supervisor.onEvent(({ type, data }) => {
      if (type === "switchover.refused") refused.push(String(data["why"]));
    });
    let turn = 0;
    let people = peopleOf(SEATS[0] as DemoSeat);
    const send = async (): Promise<void> => {
      const { number, line } = people[turn++ % people.length] as DemoPerson;
      const at = performance.now();
      const message = await traffic.send(number, line);
      const seat = message && traffic.find(message.id)?.seat;
      if (message && seat) sent.set(message.waId, { seat, at });
    };
    const begun = performance.now();
    // As many as are due by then: a timer that is late would send fewer.
    extra = setInterval(() => {
      while (turn < ((performance.now() - begun) * PER_SECOND) / 1000) void send();
    }, 1000 / PER_SECOND);
    await pause(3000);
    const moves: Move[] = [];
    for (let round = 0; round < rounds * 2; round++) {
      for (const seat of SEATS) {
        people = peopleOf(seat);
        await pause(BETWEEN);
        moves.push(...(await switchOver(stage, seat)));
      }
    }
    clearInterval(extra);
    const perSecond = (sent.size * 1000) / (performance.now() - begun);
    traffic.stop();
    const account = await traffic.settle({ wasCutShort: false });
    const spans = spansOf(sent, provedAt, moves);
    const added = (values: readonly number[]): number => quantile(values, 0.99) - median(spans.calm);
    return report(
      "switchover",
      [
        { what: "messages accepted", value: account.accepted, unit: "" },
        {
          what: "a second through the seat that moves",
          value: perSecond,
          unit: "",
          bound: { is: ">=", than: 0.99 * PER_SECOND },
        },
        { what: "switchovers", value: moves.length, unit: "", bound: { is: ">=", than: rounds * 2 * SEATS.length } },
        { what: "switchovers refused", value: refused.length, unit: "" },
        { what: "accepted to proved, p50, while nothing moves", value: median(spans.calm), unit: "ms" },
        { what: "accepted to proved, p99, while nothing moves", value: quantile(spans.calm, 0.99), unit: "ms" },
        { what: "ordered to in service, p50", value: median(moves.map(({ from, until }) => until - from)), unit: "ms" },
        { what: "messages that met a move to a twin", value: spans.twin.length, unit: "" },
        { what: "messages that met one to another number", value: spans.number.length, unit: "" },
        { what: "added by a switchover to a twin, p99", value: added(spans.twin), unit: "ms", bound: { is: "<", than: 250 } },
        { what: "added by one to another number, p99", value: added(spans.number), unit: "ms", bound: { is: "<", than: 250 } },
        {
          what: "lost, out of order or repeated",
          value: isIntact(account, account.inbound) ? 0 : account.lost + account.outOfOrder + account.duplicatesUnmarked,
          unit: "",
          bound: { is: "<=", than: 0 },
        },
      ],
      { json },
    );
  } finally {
    clearInterval(extra);
    traffic.stop();
    await stage.close();
  }
};

const noteProof = (provedAt: Map<string, number>, fact: ConnectionFact): void => {
  if (fact.kind !== "acked" && fact.kind !== "copied" && fact.kind !== "receipt") return;
  if (!provedAt.has(fact.waId)) provedAt.set(fact.waId, performance.now());
};

const peopleOf = ({ seat }: DemoSeat): readonly DemoPerson[] => PEOPLE.filter((person) => person.seat === seat);

const holderOf = ({ supervisor }: Stage, seat: SeatId): DeviceId | null => supervisor.node.seat(seat)?.row.holder ?? null;

/** To its twin or the line's other master, or home again. */
const switchOver = async (stage: Stage, { seat, line, account, home, twin }: DemoSeat): Promise<Move[]> => {
  const other = MEMBERS.find((one) => one.line === line && one.role === "master" && (one.account === account) === twin);
  const target = holderOf(stage, seat) === home ? (other?.devices.at(-1) as DeviceId) : home;
  const from = performance.now();
  stage.supervisor.node.switchOver(seat, target, "bench");
  const isDone = (): boolean => holderOf(stage, seat) === target && stage.supervisor.node.seat(seat)?.state === "serving";
  const moved = await waitUntil(isDone, { within: MOVES_WITHIN, otherwise: () => `${seat} was not moved` }).then(
    () => true,
    () => false,
  );
  const until = performance.now();
  return moved ? [{ seat, from, until, isTwin: twin }] : [];
};

const spansOf = (
  sent: ReadonlyMap<string, Sent>,
  provedAt: ReadonlyMap<string, number>,
  moves: readonly Move[],
): { readonly calm: number[]; readonly twin: number[]; readonly number: number[] } => {
  const spans = { calm: [] as number[], twin: [] as number[], number: [] as number[] };
  for (const [waId, { seat, at }] of sent) {
    const proved = provedAt.get(waId);
    if (proved === undefined) continue;
    const move = moves.find((one) => one.seat === seat && at > one.from - 100 && at < one.until);
    spans[move === undefined ? "calm" : move.isTwin ? "twin" : "number"].push(proved - at);
  }
  return spans;
};

const USAGE = `node bench/switchover.ts [--rounds N] [--json]

  --rounds   how often each seat goes and comes back (default ${ROUNDS})
  --json     one document on stdout`;

if (import.meta.main) {
  const { json, rounds } = readOptions(USAGE, { rounds: String(ROUNDS) });
  const result = await runSwitchoverBench({ json, rounds: atLeastOne("rounds", rounds) });
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exit(result.missed.length === 0 ? 0 : 1);
}
