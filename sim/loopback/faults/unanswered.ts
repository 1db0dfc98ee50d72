/** Queries get no answer, while everything else works: all of them, or those answered by a certain element ("usync", "list"). */
import { children } from "../node.ts";
import { type Fault, type FaultTarget, scopeOf } from "./rule.ts";

export interface UnansweredOptions {
  readonly answer?: string;
}

export function unanswered(target: FaultTarget, { answer }: UnansweredOptions): Fault {
  const scope = scopeOf(target);
  return {
    kind: "unanswered",
    rule: {
      loses: (device, node) => {
        const hit = node.tag === "iq" && (answer === undefined || children(node).some(({ tag }) => tag === answer));
        return (hit && scope(device.account.number, device.id)) || undefined;
      },
    },
  };
}
