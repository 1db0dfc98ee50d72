/** How available the fleet was, and what is left of what its target allows. */
import { useState } from "preact/hooks";
import type { PageProps } from "./app.tsx";
import { percent } from "../../sla/percent.ts";
import { get } from "./api.ts";
import { Complaint, Table, useAnswer } from "./parts.tsx";
import type { Availability, Sla } from "./types.ts";
import { ageText } from "./words.ts";

const DAY = 86_400_000;
const TARGETS = [0.99, 0.995, 0.999, 0.9999, 0.99999];

export const SlaPage = ({ isWhole }: PageProps) => {
  const [days, setDays] = useState(30);
  const [target, setTarget] = useState(0.9999);
  const { answer, complaint } = useAnswer(() => {
    if (!isWhole) throw new Error("availability is told of the whole fleet only: this key is bound to lines");
    const to = Date.now();
    return get<Sla>(`/v1/sla?from=${to - days * DAY}&to=${to}&target=${target}`);
  }, [days, target]);
  return (
    <>
      <h2>Availability</h2>
      <p class="lead">
        A seat is down while an accepted message, neither paced nor held, waits for more than ten seconds for WhatsApp's word.
        Outages of WhatsApp as a whole and maintenance are measured, and not counted.
      </p>
      <p class="tools">
        <label>
          Of the last{" "}
          <select value={days} onChange={({ currentTarget }) => setDays(Number(currentTarget.value))}>
            {[1, 7, 30, 90, 365].map((one) => (
              <option key={one} value={one}>
                {one === 1 ? "day" : `${one} days`}
              </option>
            ))}
          </select>
        </label>
        <label>
          Against a target of{" "}
          <select value={target} onChange={({ currentTarget }) => setTarget(Number(currentTarget.value))}>
            {TARGETS.map((one) => (
              <option key={one} value={one}>
                {percent(one)}
              </option>
            ))}
          </select>
        </label>
      </p>
      <Complaint text={complaint} />
      {answer && <Parts sla={answer} />}
    </>
  );
};

const Parts = ({ sla }: { readonly sla: Sla }) => (
  <Table
    label="Availability"
    heads={["Of", "Available", "Down", "Times", "Longest", "Budget left", "Burn rate", "Measured", "Excluded"]}
  >
    <Row name="the fleet" of={sla.fleet} />
    {sla.lines.map(({ line, ...of }) => (
      <Row key={line} name={`line ${line}`} of={of} />
    ))}
    {sla.accounts.map(({ account, ...of }) => (
      <Row key={account} name={`account ${account}`} of={of} />
    ))}
    {sla.seats.map(({ seat, ...of }) => (
      <Row key={seat} name={`seat ${seat}`} of={of} />
    ))}
  </Table>
);

const Row = ({ name, of }: { readonly name: string; readonly of: Availability }) => {
  const isSpent = of.budgetLeftMs !== null && of.budgetLeftMs < 0;
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{of.availability === null ? "not measured" : percent(of.availability)}</td>
      <td>{ageText(of.downMs)}</td>
      <td>{of.times}</td>
      <td>{ageText(of.longestMs)}</td>
      <td class={isSpent ? "alarm" : ""}>
        {of.budgetLeftMs === null ? "—" : isSpent ? `overspent by ${ageText(-of.budgetLeftMs)}` : ageText(of.budgetLeftMs)}
      </td>
      <td>{of.burnRate === null ? "—" : of.burnRate.toFixed(2)}</td>
      <td>{ageText(of.measuredMs)}</td>
      <td>{ageText(of.outageMs + of.maintenanceMs)}</td>
    </tr>
  );
};
