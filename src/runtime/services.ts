/** What this process is made of: every actor, every adapter and every plugin, with its state and version. */
import { createRequire } from "node:module";
import type { PluginDesk } from "../plugins/desk.ts";
import { version } from "../version.ts";
import type { WebhookDesk } from "../webhooks/desk.ts";
import type { Supervisor } from "./supervisor.ts";

export const SERVICE_KINDS = ["actor", "adapter", "plugin"] as const;
export type ServiceKind = (typeof SERVICE_KINDS)[number];
export interface ServiceView {
  readonly kind: ServiceKind;
  readonly name: string;
  readonly state: string;
  /** null: it says none. */
  readonly version: string | null;
  readonly detail: string | null;
}
export interface ServiceParts {
  readonly supervisor: Supervisor;
  readonly webhooks: Pick<WebhookDesk, "views">;
  readonly channels: () => readonly { readonly name: string; readonly kind: string }[];
  readonly plugins: Pick<PluginDesk, "views" | "plugins"> | null;
  /** Where it is reached; null: it is not there. */
  readonly doors: { readonly socket: () => string | null; readonly api: () => string | null };
  readonly store: string;
}

export class Services {
  readonly #parts: ServiceParts;
  constructor(parts: ServiceParts) {
    this.#parts = parts;
  }

  async list(kind: ServiceKind | null): Promise<readonly ServiceView[]> {
    const all = [...this.#actors(), ...(await this.#adapters()), ...this.#plugins()];
    return kind === null ? all : all.filter((each) => each.kind === kind);
  }

  /** Charts in the state of their chart; reducers, which have none, as running. */
  #actors(): ServiceView[] {
    const { driver } = this.#parts.supervisor.node;
    const own = version();
    return [...driver.addresses()].toSorted().map((name): ServiceView => {
      const { value, isReducer } = stateOf(driver.peek(name), name);
      return { kind: "actor", name, state: value, version: own, detail: isReducer ? "reducer" : null };
    });
  }

  async #adapters(): Promise<ServiceView[]> {
    const { doors, store, channels, webhooks, supervisor } = this.#parts;
    const own = version();
    const view = (name: string, state: string, of: string | null, detail: string | null): ServiceView => ({
      kind: "adapter",
      name,
      state,
      version: of,
      detail,
    });
    const devices = [...(supervisor.node.roster()?.devices.values() ?? [])];
    const well = devices.filter(({ state }) => state === "healthy").length;
    const door = (name: string, at: string | null, of: string): ServiceView =>
      view(name, at === null ? "off" : "listening", of, at);
    return [
      view("store.sqlite", "open", process.versions["sqlite"] ?? null, store),
      view("media.folder", "open", own, `${store}.media`),
      view(
        "connections.baileys",
        "running",
        versionOf("@whiskeysockets/baileys"),
        `${well} of ${devices.length} devices are well`,
      ),
      door("control.socket", doors.socket(), own),
      door("api.http", doors.api(), versionOf("fastify") ?? own),
      ...channels().map(({ name, kind }) => view(`alerts.${name}`, "ready", own, kind)),
      ...(await webhooks.views()).map(({ name, url, dead }) =>
        view(`webhook.${name}`, "running", own, `${url}${dead === 0 ? "" : `, ${dead} dead letters`}`),
      ),
    ];
  }

  #plugins(): ServiceView[] {
    const { plugins } = this.#parts;
    return (plugins?.views() ?? []).map(({ kind, name, state, detail }) => ({
      kind: "plugin",
      name: `${kind}.${name}`,
      state,
      version: plugins?.plugins.version ?? null,
      detail,
    }));
  }
}

const stateOf = (
  seen: { readonly value: unknown; readonly context: unknown } | undefined,
  name: string,
): { readonly value: string; readonly isReducer: boolean } => {
  const value = typeof seen?.value === "string" ? seen.value : JSON.stringify(seen?.value ?? "gone");
  // A reducer shows its kind in place of a state.
  const isReducer = value === name.split(":", 1)[0];
  return { value: isReducer ? "running" : value, isReducer };
};

const load = createRequire(import.meta.url);
/** As its own package.json says, if that can be read. */
const versionOf = (name: string): string | null => {
  try {
    const found = load(`${name}/package.json`) as { version?: string };
    return found.version ?? null;
  } catch {
    return null;
  }
};
