/** A reducer as before, with somebody looking on. Who looks on changes nothing: it is not in the journal, and need not be. */
import type { Millis } from "../../ports/ids.ts";
import type { Reducer, Step } from "../../protocol.ts";

export interface Onlooker<S, E, I> {
  onStart?(input: I, step: Step<S>): void;
  onStep(event: E, step: Step<S>): void;
}

export const watched = <S, E extends { readonly at: Millis }, I>(
  reducer: Reducer<S, E, I>,
  onlooker: Onlooker<S, E, I>,
): Reducer<S, E, I> => ({
  start(input, at) {
    const step = reducer.start(input, at);
    onlooker.onStart?.(input, step);
    return step;
  },
  receive(state, event) {
    const step = reducer.receive(state, event);
    onlooker.onStep(event, step);
    return step;
  },
});
