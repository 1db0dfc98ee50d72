import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Registry } from "prom-client";
import { parse } from "yaml";
import type { ConnectionCommand, ConnectionFact } from "../../machines/ports/connection.ts";
import type { DeviceId, FailoverId, SeatId } from "../../machines/ports/ids.ts";
import type { FailoverRecord } from "../../machines/ports/records.ts";
import type { StoreAnswer, StorePort } from "../../machines/ports/store.ts";
import { countingConnections, countingStore } from "../../src/metrics/counting-ports.ts";
import { createGauges } from "../../src/metrics/gauges.ts";
import { createInstruments } from "../../src/metrics/instruments.ts";
import { createMetrics, type Metrics } from "../../src/metrics/metrics.ts";
import type { SeatStatus, StatusAnswer } from "../../src/runtime/control-protocol.ts";

const ROOT = join(import.meta.dirname, "../..");
const seat = (id: string, more: object = {}): SeatStatus =>
  ({ id, phase: "serving", term: 4, queue: { open: 3, oldestMs: 1500, held: 2 }, ...more }) as unknown as SeatStatus;
const STATUS = {
  startedAt: 1_700_000_000_000,
  mode: "automatic",
  seats: [seat("sales/sales-1"), seat("sales/sales-2", { phase: "stranded", queue: { open: 0, oldestMs: null, held: 0 } })],
  devices: [
    { health: "healthy", link: "linked" },
    { health: "healthy", link: "linked" },
    { health: "failed", link: "unlinked" },
  ],
  accounts: [{ standing: "good" }, { standing: "restricted" }],
  alerts: [{ level: "critical" }],
} as unknown as StatusAnswer;
const RECORD: FailoverRecord = {
  id: "f1" as FailoverId,
  seat: "sales/sales-1" as SeatId,
  cause: "silent",
  from: "sales-1/a" as DeviceId,
  to: "sales-1/b" as DeviceId,
  termBefore: 3 as FailoverRecord["termBefore"],
  termAfter: 4 as FailoverRecord["termBefore"],
  outcome: "inService",
  ladder: "twin",
  lastEvidenceAt: 1000,
  detectedAt: 5500,
  chosenAt: 5510,
  committedAt: 6500,
  inServiceAt: 6700,
  endedAt: 6700,
  steps: [],
};
const scraped = async (metrics: Metrics, status = STATUS): Promise<string[]> => (await metrics.scrape(status)).split("\n");

/** A port that does nothing by itself. */
const links = () => {
  let listener: (fact: ConnectionFact) => void = () => undefined;
  const port = {
    perform: () => undefined,
    onFact: (told: typeof listener) => void (listener = told),
    shutdown: async () => undefined,
  };
  return { port, tell: (fact: object) => listener(fact as ConnectionFact) };
};

describe("a scrape", () => {
  it("shows the state of seats, queues, devices, accounts and alerts", async () => {
    const lines = await scraped(createMetrics());
    expect(lines).toEqual(
      expect.arrayContaining([
        "greenroom_failover_automatic 1",
        'greenroom_seat_in_service{seat="sales/sales-1"} 1',
        'greenroom_seat_in_service{seat="sales/sales-2"} 0',
        'greenroom_queue_messages{seat="sales/sales-1",state="held"} 2',
        'greenroom_queue_oldest_seconds{seat="sales/sales-1"} 1.5',
        'greenroom_devices{health="healthy"} 2',
        'greenroom_devices{health="suspect"} 0',
        "greenroom_devices_unlinked 1",
        'greenroom_accounts{standing="restricted"} 1',
        'greenroom_alerts_open{level="critical"} 1',
      ]),
    );
  });

  it("has what is rare from the start, at zero: its first time is an increase, too", async () => {
    const lines = await scraped(createMetrics());
    expect(lines).toEqual(
      expect.arrayContaining([
        'greenroom_failovers_total{cause="silent",ladder="twin",outcome="inService"} 0',
        'greenroom_failovers_total{cause="closed",ladder="reconnect",outcome="averted"} 0',
        'greenroom_failover_detection_seconds_count{cause="banned"} 0',
        'greenroom_failover_first_ack_seconds_bucket{le="10",cause="silent"} 0',
        'greenroom_alerts_raised_total{rule="queue.age",level="critical"} 0',
        'greenroom_alerts_raised_total{rule="device.failed",level="warning"} 0',
        'greenroom_messages_unsent_total{why="stale"} 0',
        'greenroom_link_ends_total{reason="dropped"} 0',
        'greenroom_store_failures_total{cause="full"} 0',
      ]),
    );
  });

  it("says how long ago the store was seen to be ours", async () => {
    expect(await scraped(createMetrics(() => 2500))).toContain("greenroom_lease_age_seconds 2.5");
  });

  it("forgets a seat that is gone", async () => {
    const metrics = createMetrics();
    await scraped(metrics);
    const lines = await scraped(metrics, { ...STATUS, seats: [seat("sales/sales-2")] });
    expect(lines.filter((line) => line.includes("sales/sales-1"))).toEqual([]);
  });

  it("counts changes of holder with their times, and alerts by their rule", async () => {
    const metrics = createMetrics();
    metrics.onFailover(RECORD);
    const data = { key: "device.failed:sales-1/a", rule: "device.failed", level: "warning", text: "sales-1/a failed" };
    metrics.onEvent({ at: 1, type: "alert.raised", subject: "sales-1/a", data });
    metrics.onEvent({ at: 1, type: "alert.resolved", subject: "sales-1/a", data });
    const lines = await scraped(metrics);
    expect(lines).toEqual(
      expect.arrayContaining([
        'greenroom_failovers_total{cause="silent",ladder="twin",outcome="inService"} 1',
        'greenroom_failover_detection_seconds_sum{cause="silent"} 4.5',
        'greenroom_failover_in_service_seconds_bucket{le="0.25",cause="silent"} 1',
        'greenroom_alerts_raised_total{rule="device.failed",level="warning"} 1',
      ]),
    );
  });
});

describe("the first acknowledgement after a failover", () => {
  const acks = [
    { term: 4, at: 8000 },
    { term: 4, at: 9000 },
  ];
  it.each([
    ["after the record", [RECORD, ...acks], '_sum{cause="silent"} 7'],
    ["before the record", [...acks, RECORD], '_sum{cause="silent"} 7'],
    ["under the old term: it says nothing", [{ term: 3, at: 8000 }, RECORD], null],
    ["when nobody had anything to say for long", [RECORD, { term: 4, at: 99_000 }], null],
    ["of one that came to nothing", [{ ...RECORD, outcome: "exhausted" as const }, ...acks], null],
  ])("%s", async (_, steps, expected) => {
    const metrics = createMetrics();
    for (const step of steps) {
      if ("at" in step) metrics.instruments.firstAcks.acked({ seat: RECORD.seat, term: step.term as never }, step.at);
      else metrics.onFailover(step);
    }
    const lines = (await scraped(metrics)).filter((line) => /^greenroom_failover_first_ack_seconds_sum.*[^0]$/.test(line));
    expect(lines).toEqual(expected === null ? [] : [`greenroom_failover_first_ack_seconds${expected}`]);
  });
});

describe("the counting ports", () => {
  it("pass everything on, and time a message from its write to its ack, once", async () => {
    const metrics = createMetrics();
    const { port, tell } = links();
    const seen: string[] = [];
    const counted = countingConnections(port, metrics.instruments);
    counted.onFact(({ kind }) => void seen.push(kind));
    metrics.onFailover({ ...RECORD, detectedAt: 500, lastEvidenceAt: 300 });
    const about = { device: "sales-1/b", seat: RECORD.seat, term: RECORD.termAfter };
    for (const asked of [{ op: "probe" }, { op: "open", dial: 1 }, { op: "open", dial: 2 }, { op: "send" }])
      counted.perform({ ...asked, ...about, message: "m1", waId: "w1" } as unknown as ConnectionCommand);
    const facts = [
      { kind: "probed", rtt: 80 },
      { kind: "probed", rtt: null },
      { kind: "sent", message: "m1", at: 1000 },
      { kind: "acked", waId: "w1", at: 1300 },
      { kind: "acked", waId: "w1", at: 9000 },
      { kind: "acked", waId: "of an earlier life", at: 1300 },
      { kind: "unsent", why: "stale", message: "m2" },
      { kind: "unsent", why: "unpreparable", message: "m3", code: 404 },
      { kind: "refused", code: 463 },
      { kind: "refused", code: 70_000 },
      { kind: "refused", code: -1 },
      { kind: "closed", reason: "replaced" },
      { kind: "received" },
    ];
    for (const fact of facts) tell(fact);
    expect(seen).toEqual(facts.map(({ kind }) => kind));
    expect(await scraped(metrics)).toEqual(
      expect.arrayContaining([
        "greenroom_probes_total 1",
        "greenroom_probes_unanswered_total 1",
        "greenroom_probe_round_trip_seconds_sum 0.08",
        "greenroom_dials_total 2",
        "greenroom_redials_total 1",
        "greenroom_messages_sent_total 1",
        "greenroom_message_ack_seconds_count 1",
        "greenroom_message_ack_seconds_sum 0.3",
        'greenroom_failover_first_ack_seconds_sum{cause="silent"} 1',
        'greenroom_messages_unsent_total{why="stale"} 1',
        'greenroom_messages_unsent_total{why="unpreparable"} 1',
        'greenroom_messages_refused_total{code="463"} 1',
        'greenroom_messages_refused_total{code="other"} 2',
        'greenroom_messages_refused_total{code="404"} 1',
        'greenroom_link_ends_total{reason="replaced"} 1',
        "greenroom_messages_received_total 1",
      ]),
    );
  });

  it("time the store by operation, and count what it did not do", async () => {
    const metrics = createMetrics();
    const answers = [{ kind: "counts" }, { kind: "failed", cause: "full" }];
    const store = { ask: (_: object, reply: (answer: StoreAnswer) => void) => reply(answers.shift() as unknown as StoreAnswer) };
    const counted = countingStore(store as unknown as StorePort, metrics.instruments);
    const kinds: string[] = [];
    for (let n = 0; n < 2; n++) counted.ask({ op: "outbox.counts" } as never, ({ kind }) => void kinds.push(kind));
    expect(kinds).toEqual(["counts", "failed"]);
    expect(await scraped(metrics)).toEqual(
      expect.arrayContaining([
        'greenroom_store_seconds_count{op="outbox.counts"} 2',
        'greenroom_store_failures_total{cause="full"} 1',
      ]),
    );
  });
});

/** Every name in a query that looks like a metric. */
const namesIn = (query: string): string[] => query.match(/\b(greenroom|nodejs|process)_[a-z0-9_]+/g) ?? [];
const labelsIn = (query: string): string[] => [
  ...[...query.matchAll(/\b(?:by|without) \(([^)]*)\)/g)].flatMap(([, list = ""]) =>
    list.split(",").map((label) => label.trim()),
  ),
  ...[...query.matchAll(/[{,]\s*(\w+)\s*(?:=~|!~|!=|=)/g)].flatMap(([, label = ""]) => label),
];
const queriesOf = (file: string): string[] => {
  const text = readFileSync(join(ROOT, file), "utf8");
  const found: string[] = [];
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) for (const each of value) walk(each);
    else if (value !== null && typeof value === "object")
      for (const [key, each] of Object.entries(value)) {
        if (key === "expr" && typeof each === "string") found.push(each);
        else walk(each);
      }
  };
  walk(file.endsWith(".json") ? JSON.parse(text) : parse(text));
  return found;
};

describe("what is written about metrics", () => {
  const names = async (): Promise<Set<string>> => {
    const metrics = createMetrics();
    metrics.onFailover(RECORD);
    const text = await scraped(metrics);
    const series = text.flatMap((line) => /^[a-z_0-9]+/.exec(line)?.[0] ?? []);
    const declared = text.flatMap((line) => /^# TYPE (\S+) (\S+)/.exec(line)?.slice(1, 3) ?? []);
    const all = new Set(series);
    for (let n = 0; n < declared.length; n += 2) {
      all.add(declared[n] as string);
      if (declared[n + 1] === "histogram") for (const part of ["bucket", "sum", "count"]) all.add(`${declared[n]}_${part}`);
    }
    return all;
  };

  it.each(["examples/grafana/greenroom.json", "examples/prometheus/alerts.yml"])(
    "%s asks for nothing that is not scraped",
    async (file) => {
      const queries = queriesOf(file);
      const known = await names();
      expect(queries.length).toBeGreaterThan(5);
      expect(queries.flatMap(namesIn).filter((name) => !known.has(name))).toEqual([]);
    },
  );

  /** By name: the labels of each metric of ours. */
  const labels = (): Map<string, readonly string[]> => {
    const registry = new Registry();
    createInstruments(registry);
    createGauges(registry, () => 0);
    const all = registry.getMetricsAsArray() as unknown as readonly { name: string; labelNames: readonly string[] }[];
    return new Map(all.map(({ name, labelNames }) => [name, labelNames]));
  };

  it.each(["examples/grafana/greenroom.json", "examples/prometheus/alerts.yml"])(
    "%s asks by labels that its metrics have",
    (file) => {
      const known = labels();
      const asked = queriesOf(file).flatMap((query) => {
        const own = namesIn(query).flatMap((name) => known.get(name.replace(/_(bucket|sum|count)$/, "")) ?? []);
        return labelsIn(query).map((label) => ({
          query,
          label,
          isKnown: own.includes(label) || label === "le" || label === "job",
        }));
      });
      expect(asked.length).toBeGreaterThan(1);
      expect(asked.filter(({ isKnown }) => !isKnown)).toEqual([]);
    },
  );

  it("docs/metrics.md says by which labels each is told apart", () => {
    const text = readFileSync(join(ROOT, "docs/metrics.md"), "utf8");
    const listed = [...text.matchAll(/^\| `(greenroom_[a-z_]+)` \| \w+ \| ([\w, ]*)\|/gm)];
    const said = listed.map(([, name = "", those = ""]) => [name, those.trim().split(", ").filter(Boolean)] as const);
    expect(Object.fromEntries(said)).toEqual(Object.fromEntries(labels()));
  });

  it("docs/metrics.md lists every metric of ours, and no other", async () => {
    const text = readFileSync(join(ROOT, "docs/metrics.md"), "utf8");
    const listed = [...text.matchAll(/^\| `(greenroom_[a-z_]+)/gm)].map((match) => match[1]);
    const ours = (await scraped(createMetrics())).flatMap((line) => /^# TYPE (greenroom_\S+)/.exec(line)?.[1] ?? []);
    expect(new Set(listed)).toEqual(new Set(ours));
    expect(listed).toHaveLength(ours.length);
  });

  it("the dashboard shows every metric of ours", async () => {
    const asked = globSync("examples/grafana/*.json", { cwd: ROOT }).flatMap(queriesOf).flatMap(namesIn);
    const ours = (await scraped(createMetrics())).flatMap((line) => /^# TYPE (greenroom_\S+)/.exec(line)?.[1] ?? []);
    expect(
      ours.filter((name) => !asked.some((each) => each.startsWith(name)) && name !== "greenroom_failover_automatic"),
    ).toEqual([]);
  });
});
