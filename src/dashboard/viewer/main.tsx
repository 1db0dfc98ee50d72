/** What the page runs: reads the film and the charts that stand in it, and shows them, or says why it can't. */
import { render } from "preact";
import { readFilm } from "../../../machines/driver/film-text.ts";
import type { Drawing } from "../../drawing/layout.ts";
import { App } from "./app.tsx";
import { reelOf } from "./reel.ts";
import "./style.css";

const textIn = (id: string): string => document.getElementById(id)?.textContent ?? "";

const { film, complaint } = readFilm(textIn("film"));
const root = document.getElementById("app");
if (film) document.title = film.title;
if (root)
  render(
    film ? (
      <App
        reel={reelOf(film)}
        charts={JSON.parse(textIn("charts")) as Record<string, Drawing>}
        complaint={complaint}
        report={document.querySelector<HTMLTemplateElement>("#report")?.innerHTML.trim() ?? ""}
      />
    ) : (
      <main class="nothing">
        <h1>Greenroom: nothing to show</h1>
        <p role="alert">{complaint}</p>
      </main>
    ),
    root,
  );
