/** One benchmark in a process of its own, so that none inherits another's heap or crash. */
interface Bench {
  (options: { json: boolean; quick: boolean }): Promise<unknown>;
}
interface Outcome {
  readonly missed?: readonly string[];
  readonly met?: boolean;
}

/** Loaded by name: a benchmark is a file with one function `run…Bench`. */
const load = async (name: string): Promise<Bench> => {
  const module = (await import(new URL(`./${name}.ts`, import.meta.url).href)) as Record<string, unknown>;
  const found = Object.entries(module).find(([key, value]) => /^run\w+Bench$/.test(key) && typeof value === "function");
  if (!found) throw new Error(`bench/${name}.ts exports no run…Bench`);
  return found[1] as Bench;
};

const run = async ({ name, json, quick }: { name: string; json: boolean; quick: boolean }): Promise<void> => {
  const bench = await load(name);
  const result = await bench({ json, quick });
  const { missed, met } = (result ?? {}) as Outcome;
  const why = missed ?? (met === false ? [`${name}: not met; see its figures`] : []);
  process.send?.({ name, report: result ?? null, missed: why }, () => process.exit(0));
};

process.once("message", (message: Parameters<typeof run>[0]) => {
  run(message).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  });
});
