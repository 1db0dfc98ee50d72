/** What `up` shows in a terminal: what happens, as sentences, and below it the code of the next device to be linked. */
import type { FleetConfig } from "../config/index.ts";
import { linesOf } from "../alerts/words.ts";
import type { Production } from "../runtime/production.ts";
import type { Stream } from "./cli.ts";
import { summaryOf } from "./commands/config.ts";
import { linkBlock } from "./link-view.ts";
import { Screen } from "./screen.ts";
import { paintedLabel, paintedSentence } from "./sentences.ts";
import { clock, paintsFor } from "./text.ts";

export interface UpView {
  say(text: string): void;
  close(): void;
}

export const watchInTerminal = (out: Stream, production: Production, fleet: FleetConfig): UpView => {
  const { supervisor, links, views, alerts } = production;
  const paints = paintsFor(out);
  const screen = new Screen(out);
  const say = (text: string): void => screen.say(`${paints.dim(clock(views.now()))}  ${text}`);
  const showCode = (): void => {
    const pending = links.pending();
    const next = pending.find(({ offer }) => offer !== null);
    screen.show(next ? linkBlock(next, pending.length, out, paints) : []);
  };
  for (const line of introduction(production, fleet)) screen.say(line);
  const stops = [
    // Alerts come as notices: gathered, and not at all while they are silenced.
    supervisor.onEvent((event) => (event.type.startsWith("alert.") ? undefined : say(paintedSentence(event, paints)))),
    alerts.terminal.onNotice((notice) => {
      for (const { label, text } of linesOf(notice)) say(`${paintedLabel(label, paints)} ${text}`);
    }),
    links.onChange(showCode),
  ];
  out.on("resize", showCode);
  void links.invite();
  return {
    say,
    close: () => {
      for (const stop of stops) stop();
      out.off("resize", showCode);
      screen.show([]);
    },
  };
};

const introduction = ({ socket, api, keyOrigin, isNew, links }: Production, fleet: FleetConfig): string[] => {
  const waiting = links.pending().length;
  return [
    `${fleet.fleet}: ${summaryOf(fleet)}`,
    `store ${fleet.store.file}, key from ${keyOrigin}${isNew ? ". Both are new: keep a copy of the key" : ""}`,
    `ask it from another terminal: greenroom status --fleet ${fleet.file}`,
    ...(api === null ? [] : [`HTTP API on ${api} (docs: ${api}/docs; a key: greenroom key create NAME)`]),
    ...(fleet.whatsapp ? [`TEST: ${fleet.whatsapp.url} takes WhatsApp's place`] : []),
    ...(waiting > 0 ? [`${waiting} of its devices are still to be linked`] : []),
    `Ctrl-C shuts it down (socket ${socket})`,
    "",
  ];
};
