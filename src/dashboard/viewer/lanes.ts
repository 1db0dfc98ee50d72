/** Which actors have a lane, in which order, and which of them are shown. */
import type { Film } from "../../../machines/driver/film.ts";

export interface Lane {
  /** Place in the film's actors. */
  readonly actor: number;
  readonly address: string;
  readonly kind: string;
}

/** Top to bottom. What is not named comes last. */
const ORDER: readonly string[] = [
  "node",
  "orchestrator",
  "roster",
  "seat",
  "failover",
  "switchover",
  "sender",
  "health",
  "connection",
  "lease",
  "master",
  "servant",
  "standing",
  "alert",
  "detector",
  "dialler",
  "queue",
  "checkup",
  "whatsapp",
  "store",
];
/** Shown at first: who decides, and what is decided on. */
export const FIRST_KINDS: readonly string[] = ["node", "orchestrator", "roster", "seat", "failover", "health", "connection"];

export const lanesOf = ({ actors }: Film): Lane[] =>
  actors
    .map(({ address, kind }, actor) => ({ actor, address, kind }))
    .sort((one, other) => rank(one.kind) - rank(other.kind) || compare(one.address, other.address));

const rank = (kind: string): number => {
  const place = ORDER.indexOf(kind);
  return place < 0 ? ORDER.length : place;
};
const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

export const kindsOf = (lanes: readonly Lane[]): string[] => [...new Set(lanes.map(({ kind }) => kind))];

/** Every word of `search` must be part of the address. Who searches, searches among all kinds. */
export const shownLanes = (lanes: readonly Lane[], kinds: ReadonlySet<string>, search: string): Lane[] => {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return lanes.filter(({ address, kind }) =>
    words.length === 0 ? kinds.has(kind) : words.every((word) => address.toLowerCase().includes(word)),
  );
};

/** The lanes that a change of holder is told by come first; all keep their order otherwise. */
export const withFirst = (lanes: readonly Lane[], concerned: ReadonlySet<string>): Lane[] => {
  const isFirst = ({ address }: Lane): boolean => concerned.has(address) || concerned.has(subjectOf(address));
  return concerned.size === 0 ? [...lanes] : [...lanes.filter(isFirst), ...lanes.filter((lane) => !isFirst(lane))];
};

/** What an address is about: "sales-1/a" of "health:sales-1/a". */
export const subjectOf = (address: string): string => address.slice(address.indexOf(":") + 1);

/** The actor to show when something is said about `subject`: the one that best explains it. */
export const actorFor = (lanes: readonly Lane[], subject: string): number | null => {
  const about = lanes.filter(({ address }) => address === subject || subjectOf(address) === subject);
  const best = ["seat", "health", "standing", "alert"].flatMap((kind) => about.filter((lane) => lane.kind === kind))[0];
  return (best ?? about[0])?.actor ?? null;
};
