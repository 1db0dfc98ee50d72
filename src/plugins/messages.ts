/** What the supervisor and the plugins' thread say to each other. All of it survives a structured clone. */
import type { SendAnswer } from "../runtime/control-protocol.ts";
import type { OutgoingContent } from "../runtime/outgoing.ts";
import type { ReplyOptions } from "../runtime/messages.ts";
import type { FunctionKind } from "./define.ts";

export type ToPlugins =
  | { readonly kind: "call"; readonly id: number; readonly of: FunctionKind; readonly name: string; readonly input: unknown }
  /** Nobody waits for the call any more. */
  | { readonly kind: "abort"; readonly id: number }
  | { readonly kind: "replied"; readonly reply: number; readonly answer: SendAnswer }
  | { readonly kind: "notReplied"; readonly reply: number; readonly code: string; readonly message: string }
  | { readonly kind: "ping" };
export type FromPlugins =
  | { readonly kind: "ready" }
  | { readonly kind: "pong" }
  | { readonly kind: "done"; readonly id: number }
  | { readonly kind: "failed"; readonly id: number; readonly name: string; readonly message: string }
  /** A message handler answers. */
  | {
      readonly kind: "reply";
      readonly reply: number;
      readonly id: number;
      readonly answer: string | OutgoingContent;
      readonly options: ReplyOptions;
    };
