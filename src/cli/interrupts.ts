/** Ctrl-C (or SIGTERM, or a terminal that is closed): once for a clean end, twice for an end at once. */
export interface Interrupts {
  readonly signal: AbortSignal;
}

export const interrupts = (onFirst: () => void = () => undefined): Interrupts => {
  const controller = new AbortController();
  const take = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
    onFirst();
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, take);
  return { signal: controller.signal };
};
