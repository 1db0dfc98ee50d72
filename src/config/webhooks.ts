/** The part of a fleet file that names webhooks, and what becomes of it. */
import { z } from "zod";
import type { WebhookConfig } from "../webhooks/courier.ts";
import type { Fault } from "./issues.ts";
import { REFERENCE, resolveSecret, type Secret } from "./secret.ts";
import { isHttp, secretReference, webAddress } from "./web-address.ts";

const EVENT = /^(\*|[a-z][A-Za-z]*(\.([a-z][A-Za-z]*|\*))?)$/;

export const webhooksSchema = (name: z.ZodString) =>
  z
    .record(
      name,
      z.strictObject({
        url: webAddress.describe("Where it is posted, as JSON."),
        secret: z
          .union([secretReference, z.array(secretReference).min(1).max(2)])
          .optional()
          .describe("Signs it as Standard Webhooks has it. Two, while secrets are exchanged: it is signed with both."),
        events: z
          .array(
            z.string().regex(EVENT, { error: "expected a type such as message.received or failover.ended, failover.*, or *" }),
          )
          .min(1)
          .default(["message.received"])
          .describe("What it wants. Default: what people write."),
        lines: z
          .array(name)
          .default([])
          .describe("Lines whose messages and events it wants. Left out: all, and what is about the whole fleet."),
        allowPrivate: z.boolean().default(false).describe("Whether the address may be one of this network or machine."),
        concurrency: z.int().min(1).max(256).default(16).describe("Conversations that are delivered at once."),
      }),
    )
    .describe("Who is told of messages and events, over HTTP.");
export type WebhooksInput = z.output<ReturnType<typeof webhooksSchema>>;
type Env = Readonly<Record<string, string | undefined>>;

export interface WebhookSetting extends Omit<WebhookConfig, "url" | "secrets"> {
  readonly url: string | Secret;
  readonly secrets: readonly Secret[];
}

/** With what it refers to looked up. */
export const webhooksOf = (
  given: WebhooksInput | undefined,
  folder: string,
  env: Env,
): { readonly webhooks: readonly WebhookSetting[]; readonly faults: readonly Fault[] } => {
  const faults: Fault[] = [];
  const found = (webhook: string, key: string, reference: string): Secret | null => {
    const value = resolveSecret(reference, folder, env);
    if (typeof value !== "string") return value;
    faults.push({ path: ["webhooks", webhook, key], about: "value", message: value });
    return null;
  };
  const webhooks = Object.entries(given ?? {}).flatMap(([name, { url: address, secret: named, ...rest }]): WebhookSetting[] => {
    const url = REFERENCE.test(address) ? found(name, "url", address) : address;
    const references = named === undefined ? [] : typeof named === "string" ? [named] : named;
    const secrets = references.flatMap((reference) => found(name, "secret", reference) ?? []);
    if (url !== null && typeof url !== "string" && !isHttp(url.reveal()))
      faults.push({
        path: ["webhooks", name, "url"],
        about: "value",
        message: `${url.reference} holds no http:// or https:// address`,
      });
    return url === null ? [] : [{ name, url, secrets, ...rest }];
  });
  return { webhooks, faults };
};

/** For who posts: with the secrets in it. */
export const revealedWebhooks = (settings: readonly WebhookSetting[]): WebhookConfig[] =>
  settings.map(({ url, secrets, ...rest }) => ({
    ...rest,
    url: typeof url === "string" ? url : url.reveal(),
    secrets: secrets.map((each) => each.reveal()),
  }));

export const secretsOfWebhooks = (settings: readonly WebhookSetting[]): Secret[] =>
  settings.flatMap(({ url, secrets }) => [...(typeof url === "string" ? [] : [url]), ...secrets]);

/** As it was written, or with what its references stand for. */
export const webhooksAsData = (settings: readonly WebhookSetting[], redacted: boolean): Readonly<Record<string, unknown>> => {
  const shown = (value: Secret): string => (redacted ? value.reference : value.reveal());
  return Object.fromEntries(
    settings.map(({ name, url, secrets, events, lines, ...rest }) => [
      name,
      {
        url: typeof url === "string" ? url : shown(url),
        ...(secrets.length === 0 ? {} : { secret: secrets.length === 1 ? secrets.map(shown)[0] : secrets.map(shown) }),
        events: [...events],
        lines: [...lines],
        ...rest,
      },
    ]),
  );
};

export const checkWebhookLines = (webhooks: Readonly<Record<string, unknown>>, known: readonly string[]): Fault[] =>
  Object.entries(webhooks).flatMap(([name, webhook]) => {
    const lines: unknown = typeof webhook === "object" && webhook !== null && "lines" in webhook ? webhook.lines : [];
    return (Array.isArray(lines) ? lines : []).flatMap((line: unknown, index): Fault[] =>
      typeof line === "string" && !known.includes(line)
        ? [
            {
              path: ["webhooks", name, "lines", index],
              about: "value",
              message: `there is no line ${line}. There are: ${known.join(", ") || "none"}`,
            },
          ]
        : [],
    );
  });
