/** The viewer on a film of 100,000 steps in a real Chromium: how long until it stands, and how many frames a second it scrubs. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import type { Film, FilmSteps } from "../machines/driver/film.ts";
import { storyFilm } from "../scripts/viewer-story.ts";
import { pageOf } from "../sim/report/page.ts";
import { openBrowser } from "../test/dashboard/browser.ts";
import { type BenchOptions, type Figure, median, quantile, type Report, report } from "./report.ts";

const STEPS = 100_000;
const FRAMES = 300;

export const runViewerBench = async (options: BenchOptions): Promise<Report> => {
  const { quick = false } = options;
  const steps = quick ? STEPS / 10 : STEPS;
  const film = repeated(storyFilm(), steps);
  const html = pageOf(film);
  const folder = mkdtempSync(join(tmpdir(), "greenroom-bench-viewer-"));
  writeFileSync(join(folder, "film.html"), html);
  const browser = await openBrowser();
  try {
    const opened: number[] = [];
    for (let round = 0; round < (quick ? 1 : 5); round++) {
      const page = await browser.newPage();
      opened.push(await openedIn(page, `file://${folder}/film.html`));
      await page.close();
    }
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await openedIn(page, `file://${folder}/film.html`);
    const whole = await scrubbed(page, quick ? 30 : FRAMES);
    for (let press = 0; press < 6; press++) await page.keyboard.press("+");
    const close = await scrubbed(page, quick ? 30 : FRAMES);
    const bundle = gzipSync(readFileSync(new URL("../src/dashboard/viewer.html", import.meta.url))).length / 1024;
    const figures: Figure[] = [
      { what: "steps", value: film.steps.after.length, unit: "" },
      { what: "lanes", value: film.actors.length, unit: "" },
      { what: "page with the film", value: html.length / 2 ** 20, unit: "MiB" },
      { what: "page without the film, gzipped", value: bundle, unit: "KiB", bound: { is: "<=", than: 60 } },
      { what: "opens in, median", value: median(opened), unit: "ms" },
      { what: "opens in, worst", value: Math.max(...opened), unit: "ms", bound: { is: "<", than: 3_000 } },
      { what: "scrubbing, all on the screen", value: whole.perSecond, unit: "frames/s", bound: { is: ">=", than: 30 } },
      { what: "  slowest frame of a hundred", value: whole.p99, unit: "ms" },
      { what: "scrubbing, looking closer", value: close.perSecond, unit: "frames/s", bound: { is: ">=", than: 30 } },
      { what: "  slowest frame of a hundred", value: close.p99, unit: "ms" },
    ];
    return report("viewer", figures, options);
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
};

/** From the wish to see it until it is painted. */
const openedIn = async (page: Page, url: string): Promise<number> => {
  const from = performance.now();
  await page.goto(url);
  await page.waitForSelector("canvas");
  await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
  return performance.now() - from;
};

/** The slider is moved in each frame, over all of the film; a frame is over when the next one may be drawn. */
const scrubbed = async (page: Page, frames: number): Promise<{ perSecond: number; p99: number }> => {
  const spans = (await page.evaluate(`new Promise((done) => {
    const slider = document.querySelector("input[type=range]");
    const spans = [];
    let frame = 0, last;
    requestAnimationFrame(function next(at) {
      if (last !== undefined) spans.push(at - last);
      last = at;
      if (frame++ > ${frames}) return done(spans);
      slider.value = String(Math.round((Number(slider.max) * frame) / ${frames}));
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      requestAnimationFrame(next);
    });
  })`)) as number[];
  const total = spans.reduce((sum, span) => sum + span, 0);
  return { perSecond: (spans.length * 1000) / total, p99: quantile(spans, 0.99) };
};

/** The same film after itself until there are so many steps. What was decided repeats with it, as it would in a long run. */
const repeated = (film: Film, least: number): Film => {
  const own = film.steps.after.length;
  const times = Math.ceil(least / own);
  const length = film.to - film.from;
  const rest = length - film.steps.after.reduce((sum, after) => sum + after, 0);
  const column = (name: keyof FilmSteps): number[] =>
    Array.from({ length: times }, (_, round) =>
      film.steps[name].map((value, row) => (name === "after" && row === 0 && round > 0 ? value + rest : value)),
    ).flat();
  const again = <T extends object>(list: readonly T[], shift: (each: T, by: number, round: number) => T): T[] =>
    Array.from({ length: times }, (_, round) => list.map((each) => shift(each, round * length, round))).flat();
  return {
    ...film,
    to: film.from + times * length,
    steps: {
      after: column("after"),
      actor: column("actor"),
      cause: column("cause"),
      event: column("event"),
      state: column("state"),
    },
    marks: again(film.marks, (mark, by) => ({ ...mark, at: mark.at + by, until: mark.until === null ? null : mark.until + by })),
    said: again(film.said, (event, by) => ({ ...event, at: event.at + by })),
    rankings: again(film.rankings, (ranking, by) => ({ ...ranking, at: ranking.at + by })),
    failovers: again(film.failovers, (failover, by, round) => ({
      ...failover,
      id: `${failover.id}/${round}` as typeof failover.id,
      faultAt: failover.faultAt === null ? null : failover.faultAt + by,
      lastEvidenceAt: failover.lastEvidenceAt === null ? null : failover.lastEvidenceAt + by,
      detectedAt: failover.detectedAt + by,
      endedAt: failover.endedAt === null ? null : failover.endedAt + by,
    })),
  };
};
