/**
 * What probing 100 seat holders once a second costs the process that does it: the whole of its processor time in steady state,
 * nothing taken off, with the supervisor, its detectors and the store around it. Beside it, on the same server and in a process like
 * it, raw Baileys that pings with `sock.query`.
 */
import { startChild, startPeer, type Peer } from "./peer/index.ts";
import { type BenchOptions, type Figure, median, report, type Report } from "./report.ts";

const HOLDERS = 100;
const ROUNDS = 3;
type Kind = "greenroom" | "raw";
interface Slice {
  /** Of one core. */
  readonly share: number;
  /** Answered a second, by all connections together. */
  readonly probes: number;
}

const measure = (kind: Kind, peer: Peer, holders: number, ms: number): Promise<Slice> =>
  new Promise((resolve, reject) => {
    const child = startChild(new URL("./probes.child.ts", import.meta.url));
    child.on("message", (message: { call?: Parameters<Peer["call"]>[0] & { id: number }; slice?: Slice }) => {
      if (message.slice) {
        resolve(message.slice);
        child.disconnect();
      } else if (message.call) {
        const { id, ...op } = message.call;
        peer.call(op).then(
          (answer) => child.send({ ...answer, re: id }),
          (error: Error) => child.send({ re: id, error: error.message }),
        );
      }
    });
    child.once("exit", (code) => reject(new Error(`the process that probes ended early (${code})`)));
    child.send({ kind, url: peer.url, root: peer.root, holders, ms });
  });

export const runProbesBench = async (options: BenchOptions): Promise<Report> => {
  const [holders, rounds, ms] = options.quick ? [20, 1, 5000] : [HOLDERS, ROUNDS, 15_000];
  const slices: Record<Kind, Slice[]> = { greenroom: [], raw: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of ["raw", "greenroom"] as const) {
      const peer = await startPeer();
      try {
        slices[kind].push(await measure(kind, peer, holders, ms));
      } finally {
        peer.stop();
      }
    }
  }
  const share = (kind: Kind): number => median(slices[kind].map((slice) => slice.share * 100)) * (HOLDERS / holders);
  const rate = (kind: Kind): number => median(slices[kind].map(({ probes }) => probes)) / holders;
  const figures: Figure[] = [
    { what: "seat holders probed", value: holders, unit: "" },
    { what: "probes answered a second by each, ours", value: rate("greenroom"), unit: "", bound: { is: ">=", than: 0.95 } },
    { what: "probes answered a second by each, raw", value: rate("raw"), unit: "" },
    { what: "100 holders at 1 Hz, ours", value: share("greenroom"), unit: "% of a core", bound: { is: "<=", than: 8 } },
    { what: "100 holders at 1 Hz, raw sock.query", value: share("raw"), unit: "% of a core" },
  ];
  return report("probes", figures, options);
};
