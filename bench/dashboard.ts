/**
 * The dashboard in a real Chromium while 500 devices change 1,000 times a second: how long a key waits until it is heard, and until
 * what it did is on the screen. A stand-in plays the API, so that only the page is measured.
 */
import { readFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { openBrowser } from "../test/dashboard/browser.ts";
import { type BenchOptions, type Figure, quantile, type Report, report } from "./report.ts";

const LINES = 50;
const SEATS_A_LINE = 5;
const PER_SECOND = 1000;
const TICK = 20;
const KEYS = 400;
const BUNDLE = readFileSync(new URL("../src/dashboard/app.html", import.meta.url));

export const runDashboardBench = async (options: BenchOptions): Promise<Report> => {
  const fleet = new Fleet();
  const address = await fleet.listen();
  const browser = await openBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(address);
    await page.waitForSelector(".seat");
    await page.locator(".live", { hasText: /^live$/ }).waitFor();
    const keys = options.quick ? KEYS / 10 : KEYS;
    const calm = await typed(page, keys);
    const work = await watched(page);
    fleet.begin();
    const before = await work();
    const busy = await typed(page, keys);
    const after = await work();
    const told = fleet.end();
    const share = (name: string): number =>
      (100 * ((after[name] ?? 0) - (before[name] ?? 0))) / ((after["Timestamp"] ?? 1) - (before["Timestamp"] ?? 0));
    await page.waitForTimeout(2000);
    const wrong = await fleet.notShown(page);
    const figures: Figure[] = [
      { what: "devices", value: LINES * SEATS_A_LINE * 2, unit: "" },
      { what: "changes told", value: told.perSecond, unit: "/s", bound: { is: ">=", than: 0.9 * PER_SECOND } },
      { what: "first load, gzipped", value: gzipSync(BUNDLE).length / 1024, unit: "KiB", bound: { is: "<=", than: 120 } },
      { what: "calm: a key is heard, p99", value: quantile(calm.heard, 0.99), unit: "ms" },
      { what: "calm: and on the screen, p99", value: quantile(calm.shown, 0.99), unit: "ms" },
      { what: "changing: a key is heard, median", value: quantile(busy.heard, 0.5), unit: "ms" },
      { what: "changing: a key is heard, p99", value: quantile(busy.heard, 0.99), unit: "ms", bound: { is: "<", than: 100 } },
      { what: "changing: and on the screen, p99", value: quantile(busy.shown, 0.99), unit: "ms" },
      { what: "changing: the page is at work", value: share("TaskDuration"), unit: "%" },
      { what: "  of that, its script", value: share("ScriptDuration"), unit: "%" },
      { what: "  of that, style and layout", value: share("LayoutDuration") + share("RecalcStyleDuration"), unit: "%" },
      { what: "seats shown wrong afterwards", value: wrong, unit: "", bound: { is: "<=", than: 0 } },
    ];
    return report("dashboard", figures, options);
  } finally {
    await browser.close();
    await fleet.close();
  }
};

/** Asked again: what the page's thread has done so far, in seconds. */
const watched = async (page: Page): Promise<() => Promise<Record<string, number>>> => {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  return async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
  };
};

/** Letters into the search field, which draws the list anew; measured from the moment at which the browser took the key. */
const typed = async (page: Page, keys: number): Promise<{ heard: number[]; shown: number[] }> => {
  const field = page.getByRole("searchbox");
  await field.focus();
  await page.evaluate(`
    globalThis.heard = []; globalThis.shown = [];
    globalThis.onkeydown = ({ timeStamp }) => {
      heard.push(performance.now() - timeStamp);
      requestAnimationFrame(() => setTimeout(() => shown.push(performance.now() - timeStamp)));
    };`);
  for (let key = 0; key < keys; key++) {
    await page.keyboard.press(key % 4 === 3 ? "Backspace" : key % 8 < 4 ? "l" : "Backspace");
    await page.waitForTimeout(20);
  }
  await field.fill("");
  await page.waitForTimeout(200);
  return page.evaluate<{ heard: number[]; shown: number[] }>("({ heard, shown })");
};

interface SeatState {
  readonly id: string;
  readonly line: string;
  readonly account: string;
  twin: "a" | "b";
  term: number;
  phase: string;
}

/** Every seat goes round: suspected, given up, served by its twin. */
class Fleet {
  readonly #seats: SeatState[] = Array.from({ length: LINES * SEATS_A_LINE }, (_, n) => {
    const line = `line-${Math.floor(n / SEATS_A_LINE)}`;
    return { id: `${line}/acc-${n}`, line, account: `acc-${n}`, twin: "a", term: 1, phase: "serving" };
  });
  readonly #readers = new Set<ServerResponse>();
  readonly #server: Server = createServer((request, response) => this.#answer(request.url ?? "/", response));
  #ticking: NodeJS.Timeout | undefined;
  #begunAt = 0;
  #told = 0;

  listen(): Promise<string> {
    return new Promise((resolve) => {
      this.#server.listen(0, "127.0.0.1", () => {
        resolve(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`);
      });
    });
  }
  close(): Promise<void> {
    clearInterval(this.#ticking);
    for (const reader of this.#readers) reader.destroy();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  begin(): void {
    this.#begunAt = performance.now();
    this.#ticking = setInterval(() => {
      const due = ((performance.now() - this.#begunAt) * PER_SECOND) / 1000;
      let text = "";
      while (this.#told < due) text += this.#next();
      for (const reader of this.#readers) reader.write(text);
    }, TICK);
  }
  /** Every round that has begun is told to its end. */
  end(): { readonly perSecond: number } {
    clearInterval(this.#ticking);
    const perSecond = (this.#told * 1000) / (performance.now() - this.#begunAt);
    let text = "";
    while (this.#seats.some(({ phase }) => phase !== "serving")) text += this.#next();
    for (const reader of this.#readers) reader.write(text);
    return { perSecond };
  }

  async notShown(page: Page): Promise<number> {
    const shown = await page.evaluate<Record<string, string>>(
      "Object.fromEntries([...document.querySelectorAll('.seat')].map((seat) => [seat.querySelector('h4 a').textContent, seat.querySelector('dd a').textContent]))",
    );
    return this.#seats.filter(({ id, account, twin }) => shown[id] !== `${account}/${twin}`).length;
  }

  #next(): string {
    const turn = this.#told++;
    // Neighbours are on different lines: the most that is to be drawn.
    const seat = this.#seats[((turn % this.#seats.length) * 7) % this.#seats.length] as SeatState;
    const device = `${seat.account}/${seat.twin}`;
    if (seat.phase === "serving") {
      seat.phase = "threatened";
      return frame(turn, "holder.suspect", seat.id, { device });
    }
    if (seat.phase === "threatened") {
      seat.phase = "moving";
      return frame(turn, "holder.failed", seat.id, { device, cause: "silent" });
    }
    seat.phase = "serving";
    seat.twin = seat.twin === "a" ? "b" : "a";
    seat.term++;
    return frame(turn, "seat.serving", seat.id, { device: `${seat.account}/${seat.twin}`, term: seat.term });
  }

  #answer(url: string, response: ServerResponse): void {
    if (url === "/") {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
      return void response.end(BUNDLE);
    }
    if (url.startsWith("/v1/events")) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(": bench\n\n");
      this.#readers.add(response);
      return void response.once("close", () => this.#readers.delete(response));
    }
    response.writeHead(200, { "content-type": "application/json" });
    if (url === "/login") return void response.end(JSON.stringify({ key: KEY }));
    response.end(JSON.stringify(url === "/v1/status" ? this.#status() : { failovers: [], next: null }));
  }

  #status(): object {
    const devices = this.#seats.flatMap(({ id, account, twin }) =>
      (["a", "b"] as const).map((name) => ({
        id: `${account}/${name}`,
        ...UNNAMED,
        status: "online",
        link: "linked",
        connection: "serving",
        health: "healthy",
        lastEvidenceMs: Math.round(performance.now() % 1000),
        cordoned: false,
        holds: name === twin ? [id] : [],
      })),
    );
    return {
      fleet: "bench",
      now: Date.now(),
      startedAt: 0,
      mode: "automatic",
      drift: { changes: 0, isWrong: false },
      alerts: [],
      devices,
      lines: Array.from({ length: LINES }, (_, n) => {
        const own = this.#seats.slice(n * SEATS_A_LINE, (n + 1) * SEATS_A_LINE);
        return {
          id: `line-${n}`,
          ...UNNAMED,
          masters: own.map(({ account }) => account),
          servants: [],
          seats: own.map(({ id }) => id),
        };
      }),
      accounts: this.#seats.map(({ account }) => ({
        id: account,
        ...UNNAMED,
        role: "master",
        standing: "good",
        standingUntil: null,
        devices: [`${account}/a`, `${account}/b`],
      })),
      seats: this.#seats.map(({ id, line, account, twin, term, phase }) => ({
        id,
        line,
        holder: `${account}/${twin}`,
        term,
        phase,
        queue: { open: 0, oldestMs: null, held: 0 },
        last: { at: Date.now(), text: "moved" },
      })),
    };
  }
}

/** Nobody has given it another name. */
const UNNAMED = { name: null, labels: [] };

const frame = (turn: number, type: string, subject: string, data: object): string =>
  `id: ${turn + 1}\nevent: ${type}\ndata: ${JSON.stringify({ seq: turn + 1, at: Date.now(), type, subject, data })}\n\n`;

const KEY = {
  id: "bench",
  name: "bench",
  role: "operator",
  lines: null,
  createdAt: 0,
  createdBy: "bench",
  expiresAt: null,
  revokedAt: null,
};
