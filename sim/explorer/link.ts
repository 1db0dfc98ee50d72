/** One device's connection and failure detector, as coarse as they can be: up or down, speaking or not, and how far it is accused. */
import type { Millis } from "../../machines/ports/ids.ts";
import { TICK } from "./bounds.ts";

export interface Link {
  readonly state: "down" | "up" | "silent";
  readonly dial: number;
  /** The newest dial that the node has heard of. */
  readonly heard: number;
  readonly isLeased: boolean;
  /** Its path is cut: no dial gets through. */
  readonly isCut: boolean;
  /** Logged out: no dial can succeed. */
  readonly isDead: boolean;
  /** ... and the node knows and has written it down: it does not dial. */
  readonly isGivenUp: boolean;
  /** What the detector has reported since it last heard something: 0 nothing, 1 late, 2 overdue, 3 gone. */
  readonly level: 0 | 1 | 2 | 3;
  /** Silence that is being judged began then. */
  readonly quietSince: Millis | null;
  /** When it last showed a stanza, whoever heard it. */
  readonly shownAt: Millis;
}
export type Edge = "fresh" | "late" | "overdue" | "gone";
export const EDGES = ["fresh", "late", "overdue", "gone"] as const;

export const newLink = (): Link => ({
  state: "down",
  dial: 0,
  heard: 0,
  isLeased: false,
  isCut: false,
  isDead: false,
  isGivenUp: false,
  level: 0,
  quietSince: null,
  shownAt: 0,
});

/** When the detector reports the next edge of a silence. */
export const edgesAt = ({ quietSince, level }: Link): Millis | null =>
  quietSince === null || level === 3 ? null : quietSince + (level + 1) * TICK;

/** The detector heard something. A link that is silent by now is judged from here on. */
export const heard = (link: Link, now: Millis): Link => ({ ...link, level: 0, quietSince: link.state === "silent" ? now : null });
