/** Makes one film of a piece of the journal, and the page that plays it. */
import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { filmOf } from "../../machines/driver/camera.ts";
import { writeFilm } from "../../machines/driver/film-text.ts";
import type { JournalRecord } from "../../machines/driver/journal.ts";

export interface ReplayTask {
  /** Records of the journal, as they were written. */
  readonly lines: readonly string[];
  readonly title: string;
}

const { lines, title } = workerData as ReplayTask;
const { film } = filmOf(
  lines.map((line) => JSON.parse(line) as JournalRecord),
  title,
);
const viewer = readFileSync(new URL("./viewer.html", import.meta.url), "utf8");
parentPort?.postMessage(
  viewer.replace('id="film">', (tag) => `${tag}\n${writeFilm(film)}\n`),
  [],
);
