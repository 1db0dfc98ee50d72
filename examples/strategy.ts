/**
 * A strategy of one's own: the line's first seat is for contacts from Germany, everybody else goes to where the wait is shortest.
 * `node strategy.ts fleet.yaml`. Only new conversations are shared out; a known one stays on its seat.
 */
import { createSupervisor, type Seats, type Strategy } from "greenroom";

const germanDesk: Strategy = {
  name: "german-desk",
  begin: () => (seats, newcomer, at) => {
    const places = Array.from({ length: seats.size }, (_, place) => place).filter((place) => seats.isEligible(place));
    const others = places.filter((place) => place !== 0);
    if (newcomer.country === "DE" || others.length === 0) return places[0] ?? -1;
    return shortestWait(seats, others, at);
  },
};

const shortestWait = (seats: Seats, places: readonly number[], at: number): number =>
  places.reduce((best, place) => (seats.expectedWait(place, at) < seats.expectedWait(best, at) ? place : best));

const supervisor = createSupervisor(process.argv[2] ?? "fleet.yaml", { strategies: { sales: germanDesk } });
process.once("SIGTERM", () => void supervisor.stop());
await supervisor.start();
