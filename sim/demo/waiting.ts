/** Waiting for something, for so long at most, and not a moment longer than somebody wants to wait. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ConnectionFact } from "../../machines/ports/connection.ts";
import type { Supervisor } from "../../src/runtime/supervisor.ts";

/** Ends early, with the signal's reason, when it is aborted. */
export const pause = async (ms: number, signal?: AbortSignal): Promise<void> => {
  try {
    await sleep(ms, undefined, signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
};

interface Patience {
  readonly within: number;
  /** What to say when that time is over. */
  readonly otherwise: () => string;
  readonly signal?: AbortSignal | undefined;
}

/** Polls a condition that no single event announces. */
export const waitUntil = async (test: () => boolean, { within, otherwise, signal }: Patience): Promise<void> => {
  const end = performance.now() + within;
  while (!test()) {
    if (performance.now() > end) throw new Error(otherwise());
    await pause(20, signal);
  }
};

export const waitForFact = (
  supervisor: Supervisor,
  test: (fact: ConnectionFact) => boolean,
  { within, otherwise, signal }: Patience,
): Promise<ConnectionFact> =>
  new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      stop();
      signal?.removeEventListener("abort", abort);
    };
    const abort = (): void => {
      end();
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      end();
      reject(new Error(otherwise()));
    }, within);
    const stop = supervisor.onFact((fact) => {
      if (!test(fact)) return;
      end();
      resolve(fact);
    });
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort);
  });
