/** `Idempotency-Key`: a request that is sent again is answered as before, and done once. Remembered for a day, through restarts. */
import { createHash } from "node:crypto";
import type { Millis } from "../../machines/ports/ids.ts";
import { ApiError } from "./errors.ts";
import type { Reply } from "./route.ts";
import type { ApiStore, Intent } from "./store.ts";

const REMEMBERED: Millis = 86_400_000;

export interface Asked {
  /** Id of the API key: another one's names are other names. */
  readonly key: string;
  readonly name: string;
  /** Everything that makes it this request. */
  readonly what: readonly unknown[];
}

export class Requests {
  readonly #store: ApiStore;
  readonly #now: () => Millis;
  /** Begun in this life of the process: of others nobody knows how they ended. */
  readonly #underWay = new Set<string>();

  constructor(store: ApiStore, now: () => Millis) {
    this.#store = store;
    this.#now = now;
  }

  /** `kept`: what of an answer may be kept. */
  async once({ key, name, what }: Asked, work: () => Promise<Reply>, kept: (body: unknown) => unknown): Promise<Reply> {
    const intent: Intent = { key, name, digest: createHash("sha256").update(JSON.stringify(what)).digest("base64url") };
    const id = `${key} ${name}`;
    const at = this.#now();
    const begun = await this.#store.beginRequest(intent, at, at - REMEMBERED);
    switch (begun.kind) {
      case "done":
        return { status: begun.status, body: JSON.parse(begun.body) as unknown, headers: { "idempotent-replayed": "true" } };
      case "other":
        throw new ApiError(
          "E_KEY_REUSED",
          "this Idempotency-Key came with another request before: choose a new one for each request",
        );
      case "underWay":
        if (this.#underWay.has(id))
          throw new ApiError("E_UNDER_WAY", "the same request is being carried out: ask again in a moment");
        throw new ApiError(
          "E_OUTCOME_UNKNOWN",
          "the same request was begun, and broken off by a restart or an error: look at what it was to change, then use a new key",
        );
      case "new":
        return this.#carryOut(intent, id, work, kept);
    }
  }

  async #carryOut(intent: Intent, id: string, work: () => Promise<Reply>, kept: (body: unknown) => unknown): Promise<Reply> {
    this.#underWay.add(id);
    try {
      const reply = await work();
      await this.#store.endRequest(intent, reply.status, JSON.stringify(kept(reply.body)));
      return reply;
    } catch (error) {
      // What was refused was not done, and may be asked again when things have changed.
      if (isRefusal(error)) await this.#store.forgetRequest(intent);
      throw error;
    } finally {
      this.#underWay.delete(id);
    }
  }
}

const DOUBTFUL: ReadonlySet<string> = new Set(["E_INTERNAL", "E_STORE", "E_TIMEOUT"]);
const isRefusal = (error: unknown): boolean =>
  error instanceof Error &&
  "code" in error &&
  typeof error.code === "string" &&
  error.code.startsWith("E_") &&
  !DOUBTFUL.has(error.code);
