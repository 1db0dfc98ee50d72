/** How an account did in the last hour: deep checks, probes and acknowledgements, as lines and in words. */
import { get } from "./api.ts";
import { At, Badge, Complaint, Table, useAnswer } from "./parts.tsx";
import type { AccountHealth } from "./types.ts";
import { ageText, spanText } from "./words.ts";

const LAST = 5;

export const Trend = ({ account, version }: { readonly account: string; readonly version: unknown }) => {
  const { answer, complaint } = useAnswer(() => get<AccountHealth>(`/v1/accounts/${account}/health`), [account, version]);
  if (!answer) return <Complaint text={complaint} />;
  const { checks, probes, acks } = answer;
  const unanswered = probes.reduce((sum, minute) => sum + minute.unanswered, 0);
  const failed = acks.reduce((sum, minute) => sum + minute.failed, 0);
  return (
    <section aria-label="Health">
      <h3>Health in the last hour</h3>
      <div class="trends">
        <Line
          name="Round trip of probes"
          points={probes.map(({ at, mean }) => [at, mean])}
          note={unanswered === 0 ? "all were answered" : `${unanswered} were not answered`}
        />
        <Line
          name="Acknowledgement of messages, p99"
          points={acks.map(({ at, p99 }) => [at, p99])}
          note={failed === 0 ? "none failed" : `${failed} failed`}
        />
        <Line
          name="New chats that are left"
          points={checks.map(({ at, cap }) => [at, cap])}
          note={checks.some(({ cap }) => cap !== null) ? "as WhatsApp says" : "WhatsApp does not say"}
          isCount
        />
      </div>
      {checks.length === 0 ? (
        <p class="soft">No deep check yet: they come every 30 seconds.</p>
      ) : (
        <Table label="Deep checks" heads={["Deep check", "Through", "Standing", "Keys left"]}>
          {checks
            .slice(-LAST)
            .toReversed()
            .map(({ at, device, standing, preKeys }) => (
              <tr key={`${at} ${device}`}>
                <th scope="row">
                  <At at={at} />
                </th>
                <td>{device}</td>
                <td>{standing === null ? <Badge state="unanswered" label="not answered" /> : <Badge state={standing} />}</td>
                <td>{preKeys ?? "-"}</td>
              </tr>
            ))}
        </Table>
      )}
    </section>
  );
};

const WIDTH = 240;
const HEIGHT = 48;
interface LineProps {
  readonly name: string;
  readonly points: readonly (readonly [at: number, value: number | null])[];
  readonly note: string;
  readonly isCount?: boolean;
}
const Line = ({ name, points, note, isCount = false }: LineProps) => {
  const known = points.flatMap(([at, value]) => (value === null ? [] : [{ at, value }]));
  const [first, last] = [known[0], known.at(-1)];
  const say = (value: number): string => (isCount ? String(value) : spanText(value));
  const most = Math.max(...known.map(({ value }) => value));
  const words = !first || !last ? "nothing to show yet" : `${say(last.value)} now, at most ${say(most)}`;
  return (
    <figure class="trend">
      <figcaption>
        {name}: <strong>{words}</strong> <span class="soft">{note}</span>
      </figcaption>
      {first && last && known.length > 1 && (
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${name}, over ${ageText(last.at - first.at)}: ${words}`}>
          <polyline
            points={known
              .map(({ at, value }) => {
                const x = ((at - first.at) / Math.max(1, last.at - first.at)) * WIDTH;
                return `${x.toFixed(1)},${(HEIGHT - 2 - (value / Math.max(1e-9, most)) * (HEIGHT - 6)).toFixed(1)}`;
              })
              .join(" ")}
          />
        </svg>
      )}
    </figure>
  );
};
