/** Who is there, and which page is open. */
import { useEffect, useState } from "preact/hooks";
import { AccountPage } from "./account.tsx";
import { Alerts } from "./alerts.tsx";
import { get, onLoggedOut, post, settle } from "./api.ts";
import { Audit } from "./audit.tsx";
import { Modes } from "./act.tsx";
import { Failovers, FailoverPage } from "./failovers.tsx";
import { Fleet } from "./fleet.tsx";
import { Live } from "./live.ts";
import { Login } from "./login.tsx";
import { Machines } from "./machines.tsx";
import { Messages } from "./messages.tsx";
import { Badge, Complaint } from "./parts.tsx";
import { SeatPage } from "./seat.tsx";
import { Settings } from "./settings.tsx";
import { SlaPage } from "./sla.tsx";
import { applyTheme, type Theme, theme } from "./theme.ts";
import type { Key, Status } from "./types.ts";

export interface PageProps {
  readonly live: Live;
  /** Whether its role lets the key do more than look. The server decides; this only says what is worth offering. */
  readonly mayAct: boolean;
  readonly isAdmin: boolean;
  /** Whether the key is for the whole fleet. */
  readonly isWhole: boolean;
  /** What follows the page's name in the address. */
  readonly about: string;
}

const PAGES = {
  fleet: { title: "Fleet", Page: Fleet },
  seat: { title: "Seat", Page: SeatPage },
  account: { title: "Account", Page: AccountPage },
  failovers: { title: "Failovers", Page: Failovers },
  failover: { title: "Failover", Page: FailoverPage },
  alerts: { title: "Alerts", Page: Alerts },
  machines: { title: "Machines", Page: Machines },
  sla: { title: "Availability", Page: SlaPage },
  messages: { title: "Conversations and queue", Page: Messages },
  audit: { title: "Audit", Page: Audit },
  settings: { title: "Settings", Page: Settings },
} as const;
const IN_MENU = ["fleet", "failovers", "alerts", "messages", "sla", "machines", "audit", "settings"] as const;

interface Place {
  readonly page: keyof typeof PAGES;
  readonly about: string;
}
/** `#/seat/sales/sales-1` */
const placeIn = (hash: string): Place => {
  const [, page = "", about = ""] = /^#\/(\w+)\/?(.*)$/.exec(hash) ?? [];
  return Object.hasOwn(PAGES, page) ? { page: page as Place["page"], about: decoded(about) } : { page: "fleet", about: "" };
};
/** Somebody may have typed it. */
const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

export const App = () => {
  /** undefined: not known yet; null: nobody. */
  const [key, setKey] = useState<Key | null | undefined>();
  const [complaint, setComplaint] = useState<string | null>(null);
  useEffect(() => {
    onLoggedOut(() => setKey(null));
    void settle(
      get<{ key: Key | null }>("/login"),
      (login) => setKey(login.key),
      (words) => {
        setComplaint(words);
        setKey(null);
      },
    );
  }, []);
  if (key === undefined) return <main aria-busy="true" />;
  if (key === null) return <Login complaint={complaint} onLogin={setKey} />;
  return <Inside key={key.id} owner={key} onLeave={() => setKey(null)} />;
};

const Inside = ({ owner, onLeave }: { readonly owner: Key; readonly onLeave: () => void }) => {
  const [live] = useState(() => new Live());
  const [place, setPlace] = useState(() => placeIn(location.hash));
  const [, setFrame] = useState(0);
  useEffect(() => {
    const stop = live.onChange(() => setFrame((frame) => frame + 1));
    live.start();
    const onHash = (): void => setPlace(placeIn(location.hash));
    window.addEventListener("hashchange", onHash);
    return () => {
      stop();
      live.stop();
      window.removeEventListener("hashchange", onHash);
    };
  }, []);
  const { title, Page } = PAGES[place.page];
  useEffect(() => {
    document.title = `${place.about === "" ? title : place.about} · Greenroom`;
    document.querySelector("main")?.focus();
    window.scrollTo(0, 0);
  }, [place]);
  const mayAct = owner.role !== "viewer";
  return (
    <>
      <a
        class="skip"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          document.querySelector("main")?.focus();
        }}
      >
        Skip to the content
      </a>
      <Header live={live} page={place.page} owner={owner} onLeave={onLeave} />
      <main id="content" tabIndex={-1}>
        <Complaint text={live.complaint} />
        {live.hasStatus && (
          <Page
            key={place.page === "machines" ? place.page : `${place.page} ${place.about}`}
            live={live}
            mayAct={mayAct}
            isWhole={owner.lines === null}
            isAdmin={owner.role === "admin" && owner.lines === null}
            about={place.about}
          />
        )}
      </main>
    </>
  );
};

interface HeaderProps {
  readonly live: Live;
  readonly page: Place["page"];
  readonly owner: Key;
  readonly onLeave: () => void;
}
const Header = ({ live, page, owner, onLeave }: HeaderProps) => {
  const { model, isConnected } = live;
  const alerts = model.alerts.size;
  return (
    <header>
      <h1>
        Greenroom <span class="soft">{model.fleet}</span>
      </h1>
      <p class="state">
        <Badge state={model.mode} /> {driftText(model.drift) !== null && <span class="live off">{driftText(model.drift)}</span>}{" "}
        <span role="status" class={isConnected ? "live" : "live off"}>
          {isConnected ? "live" : "not live: connecting…"}
        </span>
        {owner.role !== "viewer" && owner.lines === null && <Modes live={live} />}
      </p>
      {/* Who does not see the number beside "Alerts" is told when it changes. */}
      <p class="unseen" role="status">
        {alerts === 1 ? "1 alert is open" : `${alerts} alerts are open`}
      </p>
      <nav aria-label="Pages">
        {IN_MENU.map((name) => (
          <a key={name} href={`#/${name}`} aria-current={name === page ? "page" : undefined}>
            {PAGES[name].title}
            {name === "alerts" && alerts > 0 && <span class="count">{alerts} open</span>}
          </a>
        ))}
      </nav>
      <p class="who">
        <span>
          {owner.name} <span class="soft">({owner.role})</span>
        </span>
        <ThemeSwitch />
        <button type="button" onClick={() => void post("/logout").finally(onLeave)}>
          Log out
        </button>
      </p>
    </header>
  );
};

/** How to see which ones: `greenroom config diff`. */
const driftText = ({ changes, isWrong }: Status["drift"]): string | null => {
  if (isWrong) return "the fleet file is wrong: config check";
  return changes === 0 ? null : `the fleet file differs in ${changes === 1 ? "1 place" : `${changes} places`}: config diff`;
};

const ThemeSwitch = () => {
  const [chosen, choose] = useState(theme);
  return (
    <select
      aria-label="Colours"
      value={chosen}
      onChange={({ currentTarget }) => {
        const next = currentTarget.value as Theme;
        applyTheme(next);
        choose(next);
      }}
    >
      <option value="system">System colours</option>
      <option value="light">Light</option>
      <option value="dark">Dark</option>
    </select>
  );
};
