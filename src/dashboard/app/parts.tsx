/** What several pages are made of. */
import { Component, type ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Tone } from "../viewer/tones.ts";
import { settle } from "./api.ts";
import { ageText, SIGNS, spelled, timeText, toneFor } from "./words.ts";

interface BadgeProps {
  readonly state: string;
  readonly label?: string;
  readonly tone?: Tone;
}
export const Badge = ({ state, label, tone = toneFor(state) }: BadgeProps) => {
  return (
    <span class={`badge ${tone}`}>
      <span aria-hidden="true">{SIGNS[tone]}</span> {label ?? spelled(state)}
    </span>
  );
};

/** One timer for all. */
const tickers = new Set<() => void>();
setInterval(() => {
  for (const tick of tickers) tick();
}, 1000);

/** A moment, and how long ago it was. `skew`: the server's clock less ours. */
export const Since = ({ at, skew = 0 }: { readonly at: number; readonly skew?: number }) => {
  const age = (): string => ageText(Date.now() + skew - at);
  const [shown, show] = useState(age);
  useEffect(() => {
    const tick = (): void => show(age());
    tick();
    tickers.add(tick);
    return () => void tickers.delete(tick);
  }, [at, skew]);
  return (
    <time dateTime={new Date(at).toISOString()}>
      {timeText(at)} <span class="soft">({shown})</span>
    </time>
  );
};
export const At = ({ at }: { readonly at: number }) => <time dateTime={new Date(at).toISOString()}>{timeText(at)}</time>;

/** Drawn again only when its number changes. */
export class Still extends Component<{ readonly version: number | string; readonly draw: () => ComponentChildren }> {
  override shouldComponentUpdate({ version }: { version: number | string }): boolean {
    return version !== this.props.version;
  }
  override render() {
    return this.props.draw();
  }
}

/** Wider than a phone: it can be moved by itself, also by keys. */
export const Table = ({
  label,
  heads,
  children,
}: {
  readonly label: string;
  readonly heads: readonly string[];
  readonly children: ComponentChildren;
}) => (
  <section class="scroll" aria-label={label} tabIndex={0}>
    <table>
      <thead>
        <tr>
          {heads.map((head) => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </section>
);

export const Field = ({
  name,
  value,
  onChange,
}: {
  readonly name: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}) => (
  <label>
    {name} <input value={value} onInput={({ currentTarget }) => onChange(currentTarget.value)} />
  </label>
);

export const Complaint = ({ text }: { readonly text: string | null }) =>
  text === null ? null : (
    <p class="complaint" role="alert">
      {text}
    </p>
  );

/** Asks once, and again when `what` changes. */
export const useAnswer = <T,>(
  ask: () => Promise<T>,
  what: readonly unknown[],
): { readonly answer: T | undefined; readonly complaint: string | null; readonly again: () => void } => {
  const [answer, setAnswer] = useState<T>();
  const [complaint, setComplaint] = useState<string | null>(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    let isCurrent = true;
    void settle(
      // What it throws at once is a refusal, too.
      Promise.resolve().then(ask),
      (got) => {
        if (!isCurrent) return;
        setAnswer(() => got);
        setComplaint(null);
      },
      (words) => isCurrent && setComplaint(words),
    );
    return () => {
      isCurrent = false;
    };
  }, [...what, round]);
  return { answer, complaint, again: () => setRound(round + 1) };
};

/** Pages of a list, one after the other. */
export const usePages = <T,>(
  ask: (cursor: string | null) => Promise<{ readonly rows: readonly T[]; readonly next: string | null }>,
  what: readonly unknown[],
) => {
  const [rows, setRows] = useState<readonly T[] | undefined>();
  const [next, setNext] = useState<string | null>(null);
  const first = useAnswer(() => ask(null), what);
  const [complaint, setComplaint] = useState<string | null>(null);
  useEffect(() => {
    setRows(first.answer?.rows);
    setNext(first.answer?.next ?? null);
  }, [first.answer]);
  const more = (): void => {
    void settle(
      ask(next),
      (page) => {
        setRows([...(rows ?? []), ...page.rows]);
        setNext(page.next);
      },
      setComplaint,
    );
  };
  return { rows, next, more, again: first.again, complaint: first.complaint ?? complaint };
};

export const More = ({ next, more }: { readonly next: string | null; readonly more: () => void }) =>
  next === null ? null : (
    <p>
      <button type="button" onClick={more}>
        Show more
      </button>
    </p>
  );

/** In front of everything else until it is answered. Esc closes it, and the focus goes back to where it was. */
export const Dialog = ({
  title,
  onClose,
  children,
}: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}) => {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="dialog-title">
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  );
};

/** A plan is shown, a person says yes, and what came of it is shown. */
export const Confirm = ({
  title,
  verb,
  danger = false,
  children,
  act,
  onClose,
}: {
  readonly title: string;
  readonly verb: string;
  readonly danger?: boolean;
  readonly children: ComponentChildren;
  /** Resolves to what happened, in words. */
  readonly act: () => Promise<ComponentChildren>;
  readonly onClose: () => void;
}) => {
  const [stage, setStage] = useState<"asks" | "acts" | "done">("asks");
  const [said, setSaid] = useState<ComponentChildren>(null);
  const [complaint, setComplaint] = useState<string | null>(null);
  const go = (): void => {
    setStage("acts");
    setComplaint(null);
    void settle(
      act(),
      (words) => {
        setSaid(words);
        setStage("done");
      },
      (words) => {
        setComplaint(words);
        setStage("asks");
      },
    );
  };
  return (
    <Dialog title={title} onClose={onClose}>
      {stage === "done" ? <div role="status">{said}</div> : children}
      <Complaint text={complaint} />
      {stage === "acts" && <p role="status">Under way…</p>}
      <p class="buttons">
        {stage !== "done" && (
          <button type="button" class={danger ? "danger" : "main"} disabled={stage === "acts"} onClick={go}>
            {verb}
          </button>
        )}
        <button type="button" onClick={onClose}>
          {stage === "done" ? "Close" : "Cancel"}
        </button>
      </p>
    </Dialog>
  );
};

/** What people call it, beside its id. */
export const Named = ({
  of: { name, labels },
}: {
  readonly of: { readonly name: string | null; readonly labels: readonly string[] };
}) =>
  name === null && labels.length === 0 ? null : (
    <span class="soft"> {[...(name === null ? [] : [name]), ...labels.map((label) => `#${label}`)].join(" ")}</span>
  );
