/** The fleet at a glance: who speaks for each seat, since when, why, and who stands by. */
import { useState } from "preact/hooks";
import { sentenceOf } from "../../cli/sentences.ts";
import type { PageProps } from "./app.tsx";
import { MoveButton } from "./act.tsx";
import { InTurn } from "./in-turn.tsx";
import { accountOf, causeOf, type Model } from "./model.ts";
import { At, Badge, Named, Since } from "./parts.tsx";
import type { Account, Device, Line, Seat } from "./types.ts";
import { ageText, spanText } from "./words.ts";

/** More are counted. */
const STANDBYS_SHOWN = 3;

export const Fleet = ({ live, mayAct }: PageProps) => {
  const { model } = live;
  const [search, setSearch] = useState("");
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const lines = [...model.lines.values()].map((line) => ({ line, isShown: isMeant(model, line, words) }));
  return (
    <>
      <h2 class="unseen">Fleet</h2>
      <Glance model={model} />
      <p>
        <label class="search">
          <span>Find a line, seat, account or device</span>
          <input type="search" value={search} onInput={({ currentTarget }) => setSearch(currentTarget.value)} />
        </label>
      </p>
      {!lines.some(({ isShown }) => isShown) && <p class="soft">Nothing is called that.</p>}
      {lines.map(({ line, isShown }) => (
        <InTurn
          key={line.id}
          tag="section"
          class="line"
          label={`Line ${line.id}`}
          hidden={!isShown}
          version={`${model.version(line.id)} ${mayAct}`}
          draw={() => <LineCard line={line} live={live} mayAct={mayAct} />}
        />
      ))}
      <InTurn
        tag="section"
        class="happenings"
        label="What happened while you looked"
        version={model.happened}
        draw={() => <Happenings model={model} />}
      />
    </>
  );
};

const isMeant = (model: Model, { id, name, labels, masters, servants, seats }: Line, words: readonly string[]): boolean => {
  if (words.length === 0) return true;
  const accounts = [...masters, ...servants].flatMap((account) => model.accounts.get(account) ?? []);
  const devices = accounts.flatMap((account) => account.devices.flatMap((device) => model.devices.get(device) ?? []));
  const named = [...accounts, ...devices].flatMap((each) => [each.id, each.name ?? "", ...each.labels]);
  const text = [id, name ?? "", ...labels, ...seats, ...named].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
};

/** Three numbers that are to be 0, and one that may grow. */
const Glance = ({ model }: { readonly model: Model }) => {
  const seats = [...model.seats.values()];
  const mute = seats.filter(({ phase, holder }) => holder === null || phase !== "serving").length;
  const alone = seats.filter((seat) => model.standbysOf(seat).length === 0).length;
  const queued = seats.reduce((sum, { queue }) => sum + queue.open, 0);
  const oldest = Math.max(0, ...seats.map(({ queue }) => queue.oldestMs ?? 0));
  const held = seats.reduce((sum, { queue }) => sum + queue.held, 0);
  return (
    <dl class="glance">
      <Fact name="Seats in service" value={`${seats.length - mute} of ${seats.length}`} tone={mute > 0 ? "bad" : "good"} />
      <Fact name="Without a standby" value={String(alone)} tone={alone > 0 ? "warn" : "good"} />
      <Fact name="Open alerts" value={String(model.alerts.size)} tone={model.alerts.size > 0 ? "warn" : "good"} />
      <Fact
        name="Queue"
        value={queued === 0 ? "empty" : `${queued}, oldest ${spanText(oldest)}`}
        tone={oldest > 10_000 ? "warn" : "good"}
      />
      <Fact name="Held for a word" value={String(held)} tone={held > 0 ? "warn" : "good"} />
    </dl>
  );
};
const Fact = ({ name, value, tone }: { readonly name: string; readonly value: string; readonly tone: string }) => (
  <div class={`fact ${tone}`}>
    <dt>{name}</dt>
    <dd>{value}</dd>
  </div>
);

interface Inside {
  readonly live: PageProps["live"];
  readonly mayAct: boolean;
}
const LineCard = ({ line, live, mayAct }: Inside & { readonly line: Line }) => {
  const { model } = live;
  const seats = line.seats.flatMap((id) => model.seats.get(id) ?? []);
  return (
    <>
      <h3>
        {line.id}
        <Named of={line} />
      </h3>
      {seats.map((seat) => (
        <InTurn
          key={seat.id}
          tag="article"
          class="seat"
          version={gistOf(seat, model)}
          draw={() => <SeatRow seat={seat} live={live} mayAct={mayAct} />}
        />
      ))}
      <Crew name="Masters" accounts={line.masters.flatMap((id) => model.accounts.get(id) ?? [])} model={model} />
      <Crew name="Servants" accounts={line.servants.flatMap((id) => model.accounts.get(id) ?? [])} model={model} />
    </>
  );
};

/** All that a row shows. */
const gistOf = (seat: Seat, model: Model): string => {
  const { holder, term, phase, queue, last } = seat;
  const standbys = model.standbysOf(seat);
  const names = standbys.slice(0, STANDBYS_SHOWN).map((device) => `${device.id} ${noteOn(device, seat)}`);
  const status = holder === null ? "" : model.devices.get(holder)?.status;
  const move = model.lastMoves.get(seat.id)?.id;
  return [holder, status, term, phase, queue.open, queue.oldestMs, queue.held, last?.at, move, standbys.length, ...names].join();
};

const SeatRow = ({ seat, live, mayAct }: Inside & { readonly seat: Seat }) => {
  const { model } = live;
  const holder = seat.holder === null ? undefined : model.devices.get(seat.holder);
  const move = model.lastMoves.get(seat.id);
  const isOfThisTerm = move !== undefined && move.termAfter === seat.term;
  const standbys = model.standbysOf(seat);
  const { open, oldestMs, held } = seat.queue;
  return (
    <>
      <div>
        <h4>
          <a href={`#/seat/${seat.id}`}>{seat.id}</a> <Badge state={seat.phase} />
        </h4>
        <p class="words">{wordsOf(seat, standbys)}</p>
      </div>
      <dl>
        <div>
          <dt>Speaks now</dt>
          <dd>{holder ? <DeviceName device={holder} /> : (seat.holder ?? <strong>nobody</strong>)}</dd>
        </div>
        <div>
          <dt>Since</dt>
          <dd>
            {isOfThisTerm && move.inServiceAt !== null ? (
              <Since at={move.inServiceAt} skew={model.skew} />
            ) : seat.last ? (
              <At at={seat.last.at} />
            ) : (
              "not known"
            )}
          </dd>
        </div>
        <div class="why">
          <dt>Why</dt>
          <dd>
            {isOfThisTerm ? (
              <>
                {causeOf(move)}{" "}
                <a href={`#/failover/${encodeURIComponent(move.id)}`}>
                  step by step<span class="unseen"> for {seat.id}</span>
                </a>
              </>
            ) : (
              (seat.last?.text ?? "nothing was decided about it yet")
            )}
          </dd>
        </div>
        <div>
          <dt>Stands by</dt>
          <dd>
            {standbys.length === 0 && <strong class="alarm">nobody</strong>}
            {standbys.slice(0, STANDBYS_SHOWN).map((device) => (
              <DeviceName key={device.id} device={device} note={noteOn(device, seat)} />
            ))}
            {standbys.length > STANDBYS_SHOWN && <span class="soft"> and {standbys.length - STANDBYS_SHOWN} more</span>}
          </dd>
        </div>
        <div>
          <dt>Queue</dt>
          <dd>
            {open === 0 ? "empty" : `${open}, oldest ${ageText(oldestMs ?? 0)}`}
            {held > 0 && `, ${held} held`}
          </dd>
        </div>
      </dl>
      {mayAct && <MoveButton seat={seat} live={live} />}
    </>
  );
};
/** `sales-1 speaks. If sales-1/a fails, sales-1/b takes over, under the same number.` */
const wordsOf = ({ holder }: Seat, [next]: readonly Device[]): string => {
  if (holder === null) return next ? `Nobody speaks; ${next.id} could.` : "Nobody speaks, and nobody could.";
  const number = accountOf(holder);
  if (!next) return `The number of ${number} speaks. If ${holder} fails, nobody could take over.`;
  const under = accountOf(next.id) === number ? "the same number" : `another number, ${accountOf(next.id)}'s`;
  return `The number of ${number} speaks. If ${holder} fails, ${next.id} takes over, under ${under}.`;
};
const noteOn = (device: Device, { holder }: Seat): string =>
  [holder !== null && accountOf(holder) === accountOf(device.id) ? "same number" : "", device.holds.length > 0 ? "busy" : ""]
    .filter(Boolean)
    .join(", ");

const DeviceName = ({ device, note = "" }: { readonly device: Device; readonly note?: string }) => (
  <span class="device">
    <a href={`#/account/${accountOf(device.id)}`}>{device.id}</a> <Badge state={device.status} />
    {note !== "" && <span class="soft"> {note}</span>}
  </span>
);

const Crew = ({
  name,
  accounts,
  model,
}: {
  readonly name: string;
  readonly accounts: readonly Account[];
  readonly model: Model;
}) =>
  accounts.length === 0 ? null : (
    <p class="crew">
      <span class="soft">{name}:</span>{" "}
      {accounts.map((account) => (
        <a key={account.id} href={`#/account/${account.id}`}>
          {account.id}
          <Named of={account} />
          {account.standing !== "good" && <Badge state={account.standing} />} <span class="soft">{healthOf(account, model)}</span>
        </a>
      ))}
    </p>
  );
/** `2 online`, `1 of 2 online`. */
const healthOf = ({ devices }: Account, model: Model): string => {
  const online = devices.filter((id) => model.devices.get(id)?.status === "online").length;
  return online === devices.length ? `${online} online` : `${online} of ${devices.length} online`;
};

const Happenings = ({ model }: { readonly model: Model }) => (
  <>
    <h3>What happened while you looked</h3>
    {model.happenings.length === 0 && <p class="soft">Nothing yet.</p>}
    <ol>
      {model.happenings.map((event, place) => (
        <li key={place}>
          <At at={event.at} /> {sentenceOf(event)}
        </li>
      ))}
    </ol>
  </>
);
