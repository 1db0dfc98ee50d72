/**
 * Which version of WhatsApp Web the devices of this process say they are.
 *
 * | what WhatsApp does                    | what the next dial says                                          |
 * | refuses our own version               | a newer one, if WhatsApp's own web page names one by then        |
 * | takes the newer one                   | that one, from now on: it never goes back to an older one        |
 * | takes our own after all               | that one                                                         |
 * | refuses the newer one                 | our own again, so that a wrong answer of the page locks nobody out |
 *
 * That only one device dials meanwhile is the dialler's affair.
 */
import type { WAVersion } from "@whiskeysockets/baileys";
import { get as getPlain } from "node:http";
import { get as getSecure } from "node:https";
import type { Clock } from "../../../machines/ports/clock.ts";
import type { Millis } from "../../../machines/ports/ids.ts";
import type { BaileysLogger } from "./quiet.ts";

/** Many devices may be refused at once, before the dialler holds them back; one look serves all. */
const LOOK_EVERY: Millis = 10_000;
const LOOK_TIMEOUT: Millis = 5000;
const LONGEST_PAGE = 4_194_304;
/** As Baileys reads it: the name is escaped or not. */
const REVISION = /\\?"client_revision\\?":\s*(\d{6,12})\b/;
const USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";

export interface VersionsOptions {
  readonly own: WAVersion;
  /** Where the devices dial: the page is asked for at the same host. */
  readonly url: string;
  readonly allowSelfSigned: boolean;
  readonly clock: Clock;
  readonly logger: BaileysLogger;
}

export class Versions {
  readonly #options: VersionsOptions;
  readonly #closing = new AbortController();
  #own: WAVersion;
  #newer: WAVersion | null = null;
  #lookedAt: Millis | null = null;

  constructor(options: VersionsOptions) {
    this.#options = options;
    this.#own = options.own;
  }

  get next(): WAVersion {
    return this.#newer ?? this.#own;
  }

  taken(version: WAVersion): void {
    this.#newer = null;
    if (!isNewer(version, this.#own)) return;
    this.#options.logger.info(`WhatsApp takes version ${version.join(".")}: used from now on`);
    this.#own = version;
  }

  /** Settles, and never rejects, when a newer one has been looked for. */
  async refused(version: WAVersion): Promise<void> {
    if (isNewer(version, this.#own)) {
      this.#newer = null;
      return;
    }
    const now = this.#options.clock.now();
    if (this.#newer !== null || (this.#lookedAt !== null && now < this.#lookedAt + LOOK_EVERY)) return;
    this.#lookedAt = now;
    try {
      const found = await this.#look();
      if (isNewer(found, this.#own)) this.#newer = found;
    } catch (error) {
      this.#options.logger.warn(`no newer version found: ${error instanceof Error ? error.message : "unknown"}`);
    }
  }

  close(): void {
    this.#closing.abort();
  }

  async #look(): Promise<WAVersion> {
    const { url, allowSelfSigned } = this.#options;
    const page = new URL("/sw.js", url.replace(/^ws/, "http"));
    const text = await new Promise<string>((resolve, reject) => {
      const get = page.protocol === "https:" ? getSecure : getPlain;
      const options = {
        headers: { "user-agent": USER_AGENT, "sec-fetch-site": "none" },
        rejectUnauthorized: !allowSelfSigned,
        signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(LOOK_TIMEOUT)]),
      };
      get(page, options, (response) => {
        if (response.statusCode !== 200) {
          response.destroy();
          reject(new Error(`the page was answered with ${response.statusCode ?? "nothing"}`));
          return;
        }
        let read = "";
        response.setEncoding("latin1");
        response.on("data", (part: string) => {
          read += part;
          if (read.length > LONGEST_PAGE) response.destroy(new Error("the page is too long"));
        });
        response.on("end", () => resolve(read));
        response.on("error", reject);
      }).on("error", reject);
    });
    const revision = REVISION.exec(text)?.[1];
    if (revision === undefined) throw new Error("the page names no version");
    return [this.#own[0], this.#own[1], Number(revision)];
  }
}

const isNewer = (one: WAVersion, other: WAVersion): boolean => {
  const at = one.findIndex((part, index) => part !== other[index]);
  return at >= 0 && (one[at] as number) > (other[at] as number);
};
