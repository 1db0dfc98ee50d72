/** Who hears that WhatsApp has restricted an account. */
import { type AccountId, type SeatId, servantOf } from "../../ports/ids.ts";
import { type Effect, type Tell, tell } from "../../protocol.ts";
import { isRestricted, type RosterState } from "./state.ts";

/** Every seat that the account may come to speak for, and every post where it works. */
export const tellRestricted = (state: RosterState, account: AccountId): Effect[] => {
  const restricted = isRestricted(state, account);
  const seats = [...state.seats.values()].filter(({ line }) => state.lines.get(line)?.masters.includes(account));
  const posts = [...state.posts.values()].filter(({ servant, isKept }) => isKept && servant === account);
  return [...seats, ...posts].map(({ id }) => tell(`queue:${id}`, { type: "account.restricted", account, restricted }));
};

/** What a queue that was started again has to know of the masters of its line, or of its servant. */
export const restrictionsOf = (state: RosterState, seat: SeatId): Tell[] => {
  const line = state.seats.get(seat)?.line;
  const servant = servantOf(seat);
  const speakers = servant === null ? ((line && state.lines.get(line)?.masters) ?? []) : [servant];
  return speakers
    .filter((account) => isRestricted(state, account))
    .map((account) => tell(`queue:${seat}`, { type: "account.restricted", account, restricted: true }));
};
