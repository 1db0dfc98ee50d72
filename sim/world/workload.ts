/** What a fleet is asked to do: applications send to people, and people write. All of it drawn from the seed. */
import type { LineId, MessageId, Millis, SeatId, WaId } from "../../machines/ports/ids.ts";
import type { FleetDeclaration } from "../../machines/ports/store.ts";
import type { PersonId } from "./ledger.ts";
import type { World } from "./whatsapp.ts";

export interface Workload {
  readonly peoplePerLine: number;
  /** Messages a second over the whole fleet; 0: none. */
  readonly sends: number;
  /** Messages a second from people. */
  readonly writes: number;
  /** Share of people who have written to all masters of their line before: chats with them are not cold. */
  readonly warm: number;
  /** Where people live, dealt out in turn; left out: nobody knows. */
  readonly countries?: readonly string[];
}
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
/** Where applications bring their messages. */
export type Counter = (line: LineId, to: PersonId, text: string) => void;

export const personOf = (line: LineId, no: number): PersonId => `1${line}${no}@lid`;

/** The number of somebody whose country is to be known by it. */
export const numberOf = (person: PersonId): string => person.replace("@lid", "@s.whatsapp.net");

/** Peoples the lines, and starts both streams of messages. Returns how to end them. */
export const startWorkload = (
  world: World,
  { lines }: FleetDeclaration,
  { peoplePerLine, sends, writes }: Workload,
  counter: Counter,
): (() => void) => {
  let isOver = false;
  const { clock, random } = world;
  const often = (rate: number, name: string, what: (line: FleetDeclaration["lines"][number], person: PersonId) => void): void => {
    if (rate <= 0 || lines.length === 0 || peoplePerLine === 0) return;
    const stream = random.stream(`workload:${name}`);
    const next = (): void => {
      clock.setTimeout(
        () => {
          if (isOver) return;
          const line = stream.pick(lines);
          what(line, personOf(line.id, stream.int(1, peoplePerLine)));
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
  return () => {
    isOver = true;
  };
};
