/**
 * Prometheus' text as OpenMetrics has it, for collectors that ask for that: a counter's family is called without `_total`, no line is empty,
 * and the end is said. Source: https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
export const OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8";

export const openMetrics = (text: string): string => {
  const counters = new Set([...text.matchAll(/^# TYPE (\S+)_total counter$/gm)].map(([, family]) => family));
  const lines = text.split("\n").filter((line) => line !== "");
  const named = lines.map((line) => {
    const [, word, family, rest] = /^# (HELP|TYPE) (\S+)_total (.*)$/.exec(line) ?? [];
    return counters.has(family) ? `# ${word} ${family} ${rest}` : line;
  });
  return `${named.join("\n")}\n# EOF\n`;
};

/** Of an `Accept` header; left out: no. */
export const wantsOpenMetrics = (accept: string | undefined): boolean =>
  accept?.includes("application/openmetrics-text") === true;
