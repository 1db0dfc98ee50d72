/** What a fleet is asked to do: applications send to people, and people write. All of it drawn from the seed. */
import type { LineId, MessageId, Millis, SeatId, WaId } from "../../machines/ports/ids.ts";
import type { FleetDeclaration } from "../../machines/ports/store.ts";
import type { PersonId } from "./ledger.ts";
import type { Random } from "./random.ts";
import type { World } from "./whatsapp.ts";

/** So many messages to people of one line, each `every` ms on average. */
export interface Rush {
  readonly every: Millis;
  readonly size: number;
}

export interface Workload {
  readonly peoplePerLine: number;
  /** Messages a second over the whole fleet; 0: none. */
  readonly sends: number;
  /** Messages a second from people. */
  readonly writes: number;
  /** Share of people who have written to all masters of their line before, and to servants that work: chats with them are not cold. */
  readonly warm: number;
  /** Where people live, dealt out in turn; left out: nobody knows. */
  readonly countries?: readonly string[];
  /** So many of each line's people are of its first tier; left out: none. */
  readonly vips?: number;
  /** All in one instant; left out: none. */
  readonly bursts?: Rush;
  /** One after the other, as fast as an application brings them, and none of them urgent; left out: none. */
  readonly bulk?: Rush;
  /** Messages a second that applications call back a moment after they brought them; left out: none. */
  readonly cancels?: number;
}
/** An application that brings a campaign waits for each answer. */
const BULK_EVERY: Millis = 20;
const LEAST_URGENT = 1;
export const steady: Workload = { peoplePerLine: 20, sends: 1, writes: 0.2, warm: 1 };

/** A message that an application got a 202 for. */
export interface Accepted {
  readonly id: MessageId;
  readonly waId: WaId;
  readonly line: LineId;
  readonly seat: SeatId;
  readonly to: PersonId;
  readonly at: Millis;
}
/** Where applications bring their messages; without a priority, it is the line's to say. */
export type Counter = (line: LineId, to: PersonId, text: string, priority?: number) => void;

export const personOf = (line: LineId, no: number): PersonId => `1${line}${no}@lid`;

export const vipsOf = (line: LineId, { vips = 0 }: Pick<Workload, "vips">): ReadonlySet<PersonId> =>
  new Set(Array.from({ length: vips }, (_, no) => personOf(line, no + 1)));

/** Where somebody lives; undefined: nobody knows. */
export const countryOf = (no: number, { countries = [] }: Pick<Workload, "countries">): string | undefined =>
  countries[no % countries.length];

/** The number of somebody whose country is to be known by it. */
export const numberOf = (person: PersonId): string => person.replace("@lid", "@s.whatsapp.net");

/** Peoples the lines, and starts both streams of messages. Returns how to end them. */
export const startWorkload = (
  world: World,
  { lines }: FleetDeclaration,
  { peoplePerLine, sends, writes, bursts, bulk, cancels = 0 }: Workload,
  counter: Counter,
  callBack: (stream: Random) => void,
): (() => void) => {
  let isOver = false;
  const { clock, random } = world;
  type Line = FleetDeclaration["lines"][number];
  const often = (rate: number, name: string, what: (line: Line, person: PersonId, stream: Random) => void): void => {
    if (rate <= 0 || lines.length === 0 || peoplePerLine === 0) return;
    const stream = random.stream(`workload:${name}`);
    const next = (): void => {
      clock.setTimeout(
        () => {
          if (isOver) return;
          const line = stream.pick(lines);
          what(line, personOf(line.id, stream.int(1, peoplePerLine)), stream);
          next();
        },
        1 + Math.round(stream.exponential(1_000 / rate)),
      );
    };
    next();
  };
  let no = 0;
  often(sends, "sends", ({ id: line }, to) => {
    counter(line, to, `message ${++no}`);
  });
  const whom = random.stream("workload:whom");
  often(writes, "writes", ({ masters }, person) => {
    const to = masters[whom.int(0, masters.length - 1)];
    if (to) world.service.write(person, to, `hello ${++no}`);
  });
  often(cancels, "cancels", (_line, _person, stream) => callBack(stream));
  rush(bursts, "bursts", 0, (line, to) => counter(line, to, `burst ${++no}`));
  rush(bulk, "bulk", BULK_EVERY, (line, to) => counter(line, to, `bulk ${++no}`, LEAST_URGENT));
  return () => {
    isOver = true;
  };

  function rush(given: Rush | undefined, name: string, apart: Millis, bring: (line: LineId, to: PersonId) => void): void {
    if (!given) return;
    often(1_000 / given.every, name, ({ id }, _, stream) => {
      const people = Array.from({ length: given.size }, () => personOf(id, stream.int(1, peoplePerLine)));
      for (const [i, to] of people.entries()) clock.setTimeout(() => bring(id, to), i * apart);
    });
  }
};
