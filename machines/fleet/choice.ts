/** Who is taken of those that are able to: the same number first. */
import type { Millis } from "../ports/ids.ts";
import type { Candidate, CandidatesReply } from "../protocol.ts";

/** A twin that is being probed is worth this long a wait before another number is taken. */
const TWIN_PATIENCE: Millis = 700;

/** The best of `able`; nobody while a twin may still turn up. `since`: when somebody began to look. */
export const choiceOf = (
  able: readonly Candidate[],
  { twinPending, at }: Pick<CandidatesReply, "twinPending" | "at">,
  since: Millis,
): Candidate | undefined => {
  const first = able[0];
  return first && first.ladder !== "twin" && twinPending && at < since + TWIN_PATIENCE ? undefined : first;
};
