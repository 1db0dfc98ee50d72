/** The viewer's page with a film in it: one file that needs nothing but itself. */
import { readFileSync } from "node:fs";
import type { Film } from "../../machines/driver/film.ts";
import { writeFilm } from "../../machines/driver/film-text.ts";

const VIEWER = new URL("../../src/dashboard/viewer.html", import.meta.url);

/** `report`: HTML that the page shows beside the film. */
export const pageOf = (film: Film, report = ""): string =>
  readFileSync(VIEWER, "utf8")
    .replace('<template id="report">', (tag) => `${tag}${report}`)
    .replace('id="film">', (tag) => `${tag}\n${writeFilm(film)}\n`);
