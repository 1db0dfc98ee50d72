import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Film } from "../../../machines/driver/film.ts";
import { readFilm } from "../../../machines/driver/film-text.ts";
import type { JournalRecord } from "../../../machines/driver/journal.ts";
import { storyFilm, storyPlan } from "../../../scripts/viewer-story.ts";
import { runChaos } from "../../../sim/chaos.ts";
import { runPlan } from "../../../sim/plan/run.ts";
import { runReplay } from "../../../sim/replay.ts";
import { chromeTrace, timingsCsv } from "../../../sim/report/exports.ts";

const folder = mkdtempSync(join(tmpdir(), "greenroom-film-"));
afterAll(() => rmSync(folder, { recursive: true }));

class Sink {
  text = "";
  write(text: string): void {
    this.text += text;
  }
}
const filmIn = (page: string): Film | null =>
  readFilm(page.slice(page.indexOf('id="film">') + 10, page.lastIndexOf("</script>"))).film;
const at = (film: Film, ms: number | null | undefined): number => (ms ?? Number.NaN) - film.from;

interface Traced {
  readonly ph: string;
  readonly name: string;
  readonly cat?: string;
  readonly ts: number;
  readonly dur?: number;
  readonly pid: number;
  readonly tid: number;
  readonly id?: number;
  readonly s?: string;
  readonly bp?: string;
  readonly args?: { readonly name?: unknown };
}
/** What the Trace Event Format asks of an event, by its phase; what it has against this one. */
const faultsOf = (event: Traced): string[] => {
  const { ph, name, cat, ts, dur, pid, tid, id, s, bp, args } = event;
  const isWhole = (value: number | undefined): boolean => Number.isSafeInteger(value) && (value ?? -1) >= 0;
  const demands: readonly (readonly [boolean, string])[] = [
    [typeof name === "string" && name !== "", "name"],
    [isWhole(ts) && isWhole(pid) && isWhole(tid) && pid > 0, "ts, pid, tid"],
    [ph === "M" || (typeof cat === "string" && cat !== ""), "cat"],
    [(ph === "X") === (dur !== undefined) && (dur === undefined || isWhole(dur)), "dur"],
    [(ph === "s" || ph === "f") === (id !== undefined) && (id === undefined || (isWhole(id) && id > 0)), "id"],
    [(ph === "i") === (s !== undefined) && (s === undefined || ["g", "p", "t"].includes(s)), "s"],
    [(ph === "f") === (bp !== undefined) && (bp === undefined || bp === "e"), "bp"],
    [ph !== "M" || (["process_name", "thread_name"].includes(name) && typeof args?.name === "string"), "args.name"],
  ];
  return demands.flatMap(([holds, what]) => (holds ? [] : [`${what}: ${JSON.stringify(event)}`]));
};

describe("the film of a run", () => {
  const film = storyFilm();

  it("has the faults with whom they hit, and what broke pinned to its moment", () => {
    const faults = film.marks.filter(({ kind }) => kind === "fault");
    expect(faults.map(({ name, hits }) => [name, hits.length])).toEqual([
      ["logged-out", 1],
      ["silent-path", 1],
    ]);
    const [silent] = faults.slice(1);
    const broken = film.marks.filter(({ kind }) => kind === "property");
    expect(broken.map(({ name }) => name)).toContain("timed-detection");
    expect(broken[0]).toMatchObject({ at: silent?.at, hits: expect.arrayContaining(["sales/sales-1", silent?.hits[0]]) });
  });

  it("knows when each fault struck, and when the first message came through afterwards", () => {
    const changes = film.failovers.filter(({ cause }) => cause !== "startup");
    expect(changes).toHaveLength(2);
    for (const { faultAt, detectedAt, inServiceAt, firstAckAt } of changes) {
      expect(at(film, faultAt)).toBeLessThan(at(film, detectedAt));
      expect(at(film, inServiceAt)).toBeLessThan(at(film, firstAckAt));
    }
  });

  it("of sound machines has nothing broken in it", () => {
    expect(storyFilm(true).marks.filter(({ kind }) => kind === "property")).toEqual([]);
  });

  it("becomes a trace whose slices cover each actor's life, one after the other", () => {
    const { traceEvents } = JSON.parse(chromeTrace(film)) as {
      traceEvents: { ph: string; name: string; tid: number; ts: number; dur: number; id?: number }[];
    };
    const tid = film.actors.findIndex(({ address }) => address === "seat:sales/sales-1") + 1;
    const slices = traceEvents.filter((each) => each.ph === "X" && each.tid === tid);
    expect(slices.map(({ name }) => name)).toEqual(expect.arrayContaining(["serving", "threatened", "moving"]));
    for (const [place, { ts }] of slices.slice(1).entries())
      expect(ts).toBe((slices[place]?.ts ?? 0) + (slices[place]?.dur ?? 0));
    const ids = (ph: string) => traceEvents.flatMap((each) => (each.ph === ph ? [each.id] : []));
    expect(ids("s").length).toBeGreaterThan(100);
    expect(ids("s")).toEqual(ids("f"));
  });

  it("becomes a trace as the Trace Event Format has it, field by field", () => {
    const { displayTimeUnit, traceEvents } = JSON.parse(chromeTrace(film)) as { displayTimeUnit: string; traceEvents: Traced[] };
    expect(displayTimeUnit).toBe("ms");
    expect(traceEvents.flatMap(faultsOf)).toEqual([]);
    expect(new Set(traceEvents.map(({ ph }) => ph))).toEqual(new Set(["M", "X", "i", "s", "f"]));
    const times = traceEvents.map(({ ts }) => ts);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    // Every track that is used has its names, once; a thread belongs to one process.
    const named = (name: string) => traceEvents.filter((each) => each.ph === "M" && each.name === name);
    expect(named("process_name").map(({ pid }) => pid)).toEqual([...new Set(named("process_name").map(({ pid }) => pid))]);
    const threads = named("thread_name").map(({ pid, tid }) => `${pid} ${tid}`);
    expect(new Set(threads).size).toBe(threads.length);
    const used = new Set(traceEvents.filter(({ ph }) => ph !== "M").map(({ pid, tid }) => `${pid} ${tid}`));
    expect([...used].filter((track) => !threads.includes(track))).toEqual([]);
    expect(new Set(named("thread_name").map(({ tid }) => tid)).size).toBe(threads.length);
  });

  it("becomes a trace whose flows each begin and end once, within a slice of their thread", () => {
    const { traceEvents } = JSON.parse(chromeTrace(film)) as { traceEvents: Traced[] };
    const slices = Map.groupBy(
      traceEvents.filter(({ ph }) => ph === "X"),
      ({ tid }) => tid,
    );
    const flows = traceEvents.filter(({ ph }) => ph === "s" || ph === "f");
    const loose = flows.filter(
      ({ tid, ts }) => !slices.get(tid)?.some((slice) => slice.ts <= ts && ts <= slice.ts + (slice.dur ?? 0)),
    );
    expect(loose.map(({ name, tid, ts }) => [name, film.actors[tid - 1]?.address, ts])).toEqual([]);
    const byId = Map.groupBy(flows, ({ id }) => id);
    const odd = [...byId.values()].filter(([begin, end, ...more]) => {
      const isPair = begin?.ph === "s" && end?.ph === "f" && more.length === 0;
      return !isPair || begin.name !== end.name || begin.cat !== end.cat || begin.ts > end.ts;
    });
    expect(odd).toEqual([]);
  });

  it("becomes a table with the phases of each change of holder", () => {
    const [head = "", ...rows] = timingsCsv(film).trimEnd().split("\r\n");
    const names = head.split(",");
    const silent = rows.find((row) => row.includes(",silent,"))?.split(",") ?? [];
    const cell = (name: string): string => silent[names.indexOf(name)] ?? "";
    expect(rows).toHaveLength(film.failovers.length);
    expect(cell("seat")).toBe("sales/sales-1");
    expect(Number(cell("detectionMs"))).toBe(Number(cell("detectedAt")) - Number(cell("faultAt")));
    expect(Number(cell("detectionMs"))).toBeGreaterThan(5_000);
    expect(
      timingsCsv({ ...film, failovers: [{ ...(film.failovers[0] as Film["failovers"][0]), seat: 'a,"b' as never }] }),
    ).toContain('"a,""b"');
  });
});

describe("greenroom replay", () => {
  const replay = (name: string, content: string) => {
    const file = join(folder, name);
    writeFileSync(file, content);
    const [stdout, stderr] = [new Sink(), new Sink()];
    const { exitCode } = runReplay({
      file,
      html: `${file}.html`,
      perfetto: `${file}.trace`,
      csv: `${file}.csv`,
      json: true,
      stdout,
      stderr,
    });
    return {
      exitCode,
      stdout: stdout.text,
      stderr: stderr.text,
      read: (of: string) => readFileSync(join(folder, `${name}.${of}`), "utf8"),
    };
  };
  const records: JournalRecord[] = [];
  runPlan(storyPlan(), { journal: (record) => records.push(structuredClone(record)) });
  const journal = records.map((record) => JSON.stringify(record)).join("\n");

  it("writes the film of a plan, and its exports", { timeout: 120_000 }, () => {
    const { exitCode, read } = replay("plan.json", JSON.stringify(storyPlan()));
    expect(exitCode).toBe(0);
    const film = filmIn(read("html"));
    expect(film?.marks.map(({ name }) => name)).toEqual(["node.started", "logged-out", "silent-path"]);
    expect(JSON.parse(read("trace"))).toHaveProperty("traceEvents");
    expect(read("csv").split("\r\n")).toHaveLength((film?.failovers.length ?? 0) + 2);
  });

  it("writes the film of a journal: what the supervisor saw and did", () => {
    const { exitCode, read } = replay("journal.jsonl", journal);
    expect(exitCode).toBe(0);
    const film = filmIn(read("html"));
    expect(film).toMatchObject({ isPartial: false, title: "Greenroom: journal.jsonl" });
    expect(film?.failovers.find(({ cause }) => cause === "silent")).toMatchObject({ seat: "sales/sales-1", faultAt: null });
    expect(film?.source).toBe("journal");
    const loggedOut = film?.failovers.find(({ cause }) => cause === "loggedOut");
    expect(loggedOut?.closed).toMatchObject({ reason: "loggedOut", code: 401 });
    expect(loggedOut?.closed?.at).toBeLessThanOrEqual(loggedOut?.detectedAt ?? 0);
  });

  it("of a journal that was cut off says so, exits with 2, and shows what there is", () => {
    const { exitCode, stderr, read } = replay("cut.jsonl", journal.slice(0, journal.length / 2));
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /^E_JOURNAL .*cut\.jsonl: its last line is cut off: what stands before it, \d+ records, is all that can be used\n$/,
    );
    const film = filmIn(read("html"));
    expect(film?.isPartial).toBe(true);
    expect(film?.notes[0]).toContain("cut off");
    expect(film?.steps.after.length).toBeGreaterThan(200);
  });

  it("of a journal with a broken line stops there, and names the line", () => {
    const lines = journal.split("\n");
    const { exitCode, stderr } = replay("broken.jsonl", [...lines.slice(0, 300), "{oops", ...lines.slice(300)].join("\n"));
    expect(exitCode).toBe(2);
    expect(stderr).toContain("line 301 is no record");
  });

  it("of a journal of another version says which, in the page too", () => {
    const { exitCode, stdout, read } = replay("old.jsonl", journal.replace(/"version":\d+/, '"version":1'));
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: "refused" });
    expect(filmIn(read("html"))?.notes.join(" ")).toContain("the journal is of version 1");
  });

  it("of what is neither a journal nor a plan exits with 2 and writes no page", () => {
    const { exitCode, stderr, read } = replay("neither.txt", "hello");
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^E_PLAN .*neither\.txt: it is no JSON/);
    expect(() => read("html")).toThrow("ENOENT");
  });
});

describe("greenroom chaos --html", () => {
  it("plays the slowest run if all held, with the report on all of them beside it", { timeout: 120_000 }, async () => {
    const html = join(folder, "chaos.html");
    const out = new Sink();
    await runChaos({
      fleet: null,
      runs: { seeds: 2 },
      for: 300_000,
      faults: ["close"],
      jobs: 1,
      html,
      json: true,
      stdout: out,
      stderr: new Sink(),
    });
    const page = readFileSync(html, "utf8");
    expect(filmIn(page)?.title).toMatch(/^Greenroom: seed [12]/);
    expect(page).toContain('<template id="report"><h2>Greenroom chaos');
  });
});
