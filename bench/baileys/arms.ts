/** The arms of a comparison: a process each, which take turns on one server. */
import type { ChildProcess } from "node:child_process";
import { type Peer, questions, startChild } from "../peer/index.ts";
import type { PeerOp } from "../peer/messages.ts";
import type { Arm, Measure, Rate } from "./messages.ts";

export interface ArmProcess {
  readonly arm: Arm;
  measure<T>(what: Measure): Promise<T>;
  stop(): void;
}

export const startArm = (arm: Arm, base: number, peer: Peer): ArmProcess => {
  const child: ChildProcess = startChild(new URL("./client.child.ts", import.meta.url), ["--expose-gc"]);
  const { ask, take, failAll } = questions((message) => void child.send(message));
  const relay = ({ id, ...op }: PeerOp & { id: number }): void => {
    const answer = (text: object): void => {
      if (child.connected) child.send({ ...text, re: id });
    };
    peer.call(op).then(answer, (error: Error) => answer({ error: error.message }));
  };
  child.on("message", (message: { call?: PeerOp & { id: number }; re?: number }) => {
    if (message.call) relay(message.call);
    else take(message);
  });
  child.once("exit", (code) => failAll(new Error(`the process of "${arm}" ended (${code})`)));
  child.send({ start: { arm, ready: { url: peer.url, root: peer.root }, base } });
  return {
    arm,
    measure: async <T>(what: Measure): Promise<T> => (await ask(what))["figures"] as T,
    stop: () => {
      if (child.connected) child.disconnect();
    },
  };
};

/** One slice of each arm a round; the order turns. */
export const takeTurns = async (arms: readonly ArmProcess[], rounds: number, what: Measure): Promise<Map<Arm, Rate[]>> => {
  const slices = new Map<Arm, Rate[]>(arms.map(({ arm }) => [arm, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < arms.length; turn += 1) {
      const arm = arms[(round + turn) % arms.length] as ArmProcess;
      slices.get(arm.arm)?.push(await arm.measure<Rate>(what));
    }
  }
  return slices;
};
