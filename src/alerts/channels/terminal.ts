/** Whoever looks at the supervisor: its terminal, and its log. */
import type { Notice } from "../../../machines/alerts/notices.ts";
import type { Channel } from "./channel.ts";

type Shows = (notice: Notice) => void;

export interface Terminal extends Channel {
  /** Returns how to stop. */
  onNotice(shows: Shows): () => void;
}

export const TERMINAL = "terminal";

/** `log` is told of each notice, whether somebody looks or not. */
export const terminal = (log: Shows): Terminal => {
  const looking = new Set<Shows>();
  return {
    name: TERMINAL,
    kind: "terminal",
    deliver: async (notice) => {
      log(notice);
      for (const shows of looking) shows(notice);
      return looking.size > 0 ? "shown" : "logged";
    },
    onNotice: (shows) => {
      looking.add(shows);
      return () => looking.delete(shows);
    },
  };
};
