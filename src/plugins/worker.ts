/** The plugins' thread: has their functions called, and says how that ended. */
import { parentPort, workerData } from "node:worker_threads";
import { pathToFileURL } from "node:url";
import type { SendAnswer } from "../runtime/control-protocol.ts";
import type { InboundMessage, Reply } from "../runtime/messages.ts";
import { checkedPlugins, type EventSink, type Plugins } from "./define.ts";
import type { FromPlugins, ToPlugins } from "./messages.ts";

const { file } = workerData as { readonly file: string };
const port = parentPort;
if (!port) throw new Error("this file is a thread's, and is run by the supervisor");
const say = (message: FromPlugins): void => port.postMessage(message);

const plugins: Plugins = checkedPlugins(((await import(pathToFileURL(file).href)) as { default?: unknown }).default);
const aborts = new Map<number, AbortController>();
const replies = new Map<number, PromiseWithResolvers<SendAnswer>>();
let asked = 0;

const replyOf =
  (id: number): Reply =>
  (answer, options = {}) => {
    const reply = ++asked;
    const answered = Promise.withResolvers<SendAnswer>();
    replies.set(reply, answered);
    say({ kind: "reply", reply, id, answer, options });
    return answered.promise;
  };

const called = async ({ id, of, name, input }: Extract<ToPlugins, { kind: "call" }>): Promise<void> => {
  const abort = new AbortController();
  aborts.set(id, abort);
  try {
    if (of === "onMessage") await plugins.onMessage?.[name]?.(input as InboundMessage, replyOf(id));
    else if (of === "alertChannels") await plugins.alertChannels?.[name]?.(input as never, abort.signal);
    else for (const event of input as Parameters<EventSink>) await plugins.eventSinks?.[name]?.(event);
    say({ kind: "done", id });
  } catch (error) {
    const [what, message] = error instanceof Error ? [error.name, error.message] : [typeof error, String(error)];
    say({ kind: "failed", id, name: what, message });
  } finally {
    aborts.delete(id);
  }
};

port.on("message", (message: ToPlugins) => {
  switch (message.kind) {
    case "call":
      return void called(message);
    case "abort":
      return aborts.get(message.id)?.abort();
    case "replied":
      replies.get(message.reply)?.resolve(message.answer);
      return void replies.delete(message.reply);
    case "notReplied":
      replies.get(message.reply)?.reject(Object.assign(new Error(message.message), { code: message.code }));
      return void replies.delete(message.reply);
    case "ping":
      return say({ kind: "pong" });
  }
});
say({ kind: "ready" });
