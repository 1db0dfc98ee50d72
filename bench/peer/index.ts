/** Processes of a benchmark: the one that plays WhatsApp, and others that are told over IPC what to measure. */
import { type ChildProcess, fork } from "node:child_process";
import type { Answer, PeerOp, Ready } from "./messages.ts";

export interface Peer extends Ready {
  /** @throws what the peer says went wrong */
  call(op: PeerOp): Promise<Answer>;
  stop(): void;
}

/** @param out where its stdout goes: a benchmark's own is for figures alone */
export const startChild = (file: URL, args: readonly string[] = [], out: 1 | 2 = 2): ChildProcess =>
  fork(file, { execArgv: ["--disable-warning=ExperimentalWarning", ...args], stdio: ["ignore", out, 2, "ipc"] });

/** Questions to another process, each with a number that its answer (`re`) repeats. */
export const questions = (send: (message: object) => void) => {
  const waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>();
  let last = 0;
  return {
    ask: (question: object): Promise<Answer> =>
      new Promise((resolve, reject) => {
        last += 1;
        waiting.set(last, { resolve, reject });
        send({ id: last, ...question });
      }),
    /** False: it was no answer. */
    take: (message: { re?: number; error?: string }): boolean => {
      const asked = message.re === undefined ? undefined : waiting.get(message.re);
      if (!asked || message.re === undefined) return false;
      waiting.delete(message.re);
      if (message.error === undefined) asked.resolve(message);
      else asked.reject(new Error(message.error));
      return true;
    },
    failAll: (error: Error): void => {
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    },
  };
};

export const startPeer = async (): Promise<Peer> => {
  const child = startChild(new URL("./peer.child.ts", import.meta.url));
  const { ask, take, failAll } = questions((message) => void child.send(message));
  const ready = await new Promise<Ready>((resolve, reject) => {
    child.on("message", (message: { ready?: Ready; re?: number }) => {
      if (message.ready) resolve(message.ready);
      else take(message);
    });
    child.once("exit", (code) => {
      const error = new Error(`the process that plays WhatsApp ended (${code})`);
      failAll(error);
      reject(error);
    });
  });
  return {
    ...ready,
    call: (op) => ask(op),
    stop: () => {
      if (child.connected) child.disconnect();
    },
  };
};
