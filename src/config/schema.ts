/** The fleet file as a schema: what may be written, what is filled in, and what editors say about it. Relations: `cross-checks.ts`. */
import { z } from "zod";
import { DEFAULT_TIMERS, type Timers } from "../../machines/account/timers.ts";
import { STRATEGIES } from "../../machines/delivery/balance/strategies.ts";
import { WORKS } from "../../machines/delivery/work.ts";
import { nameFault } from "../../machines/ports/ids.ts";
import { aboutSchema } from "./about.ts";
import { alertsSchema } from "./alerts-schema.ts";
import { balanceSchema } from "./balance-schema.ts";
import { duration, formatDuration } from "./duration.ts";
import { secretReference } from "./web-address.ts";
import { webhooksSchema } from "./webhooks.ts";
import { looksLikeReference } from "./secret.ts";

const NAME = 'expected a name: 1 to 64 letters, digits, ".", "_" or "-", beginning and ending with a letter or digit';
export const name = z
  .string()
  .refine((text) => nameFault(text) === undefined, { error: NAME, abort: true })
  .meta({ pattern: "^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$" }); // for editors; a test holds the two together
const path = z
  .string()
  .min(1, { error: "expected the path of a file" })
  .refine((text) => !looksLikeReference(text), {
    error: "references like ${env:NAME} are for secrets only; to set this from outside use a GREENROOM__ variable",
  });
const count = (least: number, most: number) => z.int().min(least).max(most);

const newContacts = z
  .strictObject({
    perHour: count(0, 100_000).optional().describe("In any hour. Left out: no limit."),
    perDay: count(0, 1_000_000).optional().describe("In any 24 hours. Left out: no limit."),
  })
  .describe(
    "How many people an account may write to for the first time. What is above waits, or goes to another account of the line that has room.",
  );
const warmUp = z
  .array(
    z.strictObject({
      days: z.number().positive().max(3650).describe("While its first device was linked less than so many days ago."),
      messagesPerDay: count(1, 1_000_000).optional().describe("Messages in any 24 hours. Left out: no limit."),
      newContactsPerDay: count(0, 1_000_000)
        .optional()
        .describe("People written to for the first time in any 24 hours. Left out: no limit."),
    }),
  )
  .min(1)
  .refine((steps) => steps.every(({ days }, place) => days > (steps[place - 1]?.days ?? 0)), {
    error: "expected steps in the order of their days, each longer than the one before",
  })
  .describe(
    "What a young number may send; the first step that it is too young to have left holds. After the last one there is no such limit.",
  );

export const pace = z
  .strictObject({
    perSecond: z
      .number()
      .positive()
      .max(100)
      .optional()
      .describe("Messages per second in the long run, such as 0.5. Left out: no limit."),
    burst: count(1, 1000).default(1).describe("Messages that may leave at once after a quiet time."),
    newContacts: newContacts.optional(),
    warmUp: warmUp.optional(),
  })
  .refine(
    ({ perSecond, newContacts: fresh, warmUp: young }) => perSecond !== undefined || fresh !== undefined || young !== undefined,
    {
      error: "expected perSecond, newContacts or warmUp",
    },
  )
  .describe("How fast an account may send. Left out: as fast as it goes.");

const account = z
  .strictObject({
    role: z.enum(["master", "servant"]).describe("Masters speak on lines; servants work for them."),
    devices: z
      .array(name)
      .min(1)
      .max(4)
      .describe("Names of its linked devices. Two or more are twins: one takes over from the other under the same number."),
    pacing: pace.optional(),
  })
  .describe("One WhatsApp number.");

const line = z
  .strictObject({
    masters: z.array(name).min(1).describe("Accounts that speak on this line, in order of preference. Each has a seat."),
    servants: z.array(name).default([]).describe("Accounts that work for the line's masters."),
    work: z
      .array(z.enum(WORKS))
      .default([])
      .describe(
        "Which new conversations its servants get: those that begin with a message of priority 0 or 1 (bulk), groups that they are members of, those that begin with media, those that would wait for more than five seconds (overflow). Left out: none.",
      ),
    strategy: name
      .default("round-robin")
      .describe(`Which seat gets a new conversation: ${STRATEGIES.join(", ")}, or one of the plugins'.`),
    balance: balanceSchema(name).optional(),
    failback: z
      .enum(["manual", "automatic"])
      .default("manual")
      .describe("Whether a seat returns by itself to its own master once that is well again."),
    rebalance: z
      .enum(["manual", "auto"])
      .default("manual")
      .describe(
        "Whether conversations that nobody has begun go to other seats by themselves when one has much more waiting than another; otherwise by order only.",
      ),
    whenNumberChanges: z
      .enum(["hold", "resend"])
      .default("hold")
      .describe(
        "A message that may or may not have gone out, when another number takes over: wait for an operator, or send it perhaps a second time.",
      ),
    whenRefused: z
      .enum(["reroute", "fail"])
      .default("reroute")
      .describe(
        "A message that WhatsApp does not let its account send because the contact is new to it (463): one other number of the line tries, or it fails at once.",
      ),
    outboxLimit: count(1, 10_000_000)
      .default(100_000)
      .describe("Open messages that the line takes; more are refused, none is dropped."),
  })
  .describe("A service that people write to and hear from.");

const TIMER_WORDS: { readonly [T in keyof Timers]: string } = {
  probe: "A seat's holder is probed when nothing was heard from it for so long.",
  probeWhenQuiet: "And this often once it was quiet; candidates always.",
  quiet: "From when on a holder counts as quiet.",
  standbyProbe: "How often masters that hold no seat are probed.",
  servantProbe: "How often servants are probed.",
  suspect: "Without a sign of life for so long, candidates are ranked and probed.",
  repair: "Without a sign of life for so long, the link is dialled anew, once.",
  failed: "Without a sign of life for so long, the holder has failed: alert.",
  moveToTwin: "And after so long its seat moves to a twin.",
  moveToNumber: "And after so long, without a twin, to another number.",
  candidateFresh: "A stand-in is taken only with a sign of life younger than this.",
  verify: "What a new holder gets to show that it can speak.",
  resolve: "How long a new holder waits for proof of what the old one sent last.",
  connectTimeout: "Until WhatsApp lets a device in.",
  bootGrace: "What devices get to come into service after a start.",
  repairCooldown: "A silent device is dialled anew at most once in this span.",
  probation: "How long a device that failed must stay well.",
  cooldown: "A seat does not go back to the device just left within this span.",
  together: "Links that fall silent within this span are one outage.",
  loopLate: "When our own timers were so late, nobody is accused of what was missed.",
  deepCheck: "How often standing and cap of every account are looked at.",
};
const timer = (key: keyof Timers) =>
  duration.optional().describe(`${TIMER_WORDS[key]} Default: ${formatDuration(DEFAULT_TIMERS[key])}.`);
const timers = z
  .strictObject(
    Object.fromEntries(Object.keys(DEFAULT_TIMERS).map((key) => [key, timer(key as keyof Timers)])) as {
      [T in keyof Timers]: ReturnType<typeof timer>;
    },
  )
  .describe("All optional. Together they must allow failover in time; what does not is refused with the reason.");

const brake = z
  .strictObject({
    seats: count(1, 1000).default(2),
    share: z.number().min(0).max(1).default(0.1).describe("Of all seats."),
    within: duration.default(30_000).describe("Default: 30s."),
  })
  .describe(
    "More seats than the larger of the two failing over within this span: automatic failover stops and a person is called.",
  );

const reconnect = z.strictObject({
  perSecond: count(1, 1000).default(25).describe("Dials per second over all devices; holders of seats first."),
});

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const isLoopbackUrl = (text: string): boolean => {
  const url = URL.parse(text);
  return url !== null && (url.protocol === "ws:" || url.protocol === "wss:") && LOOPBACK.test(url.hostname);
};
const whatsapp = z
  .strictObject({
    endpoint: z
      .string()
      .refine(isLoopbackUrl, { error: "expected a ws:// or wss:// address of this machine, such as ws://127.0.0.1:8080/ws/chat" })
      .describe("A test server on this machine instead of WhatsApp."),
    rootKey: z
      .string()
      .regex(/^[0-9a-f]{64}$/i, { error: "expected 64 hex digits: the test server's public root key" })
      .optional()
      .describe("Its public root key, as `greenroom loopback` prints it."),
    selfSigned: z.boolean().default(false).describe("Whether its TLS certificate may be self-signed."),
  })
  .describe("For trials only. Left out: WhatsApp itself.");

const api = z
  .strictObject({
    host: z
      .union([z.ipv4(), z.ipv6(), z.literal("localhost")], { error: "expected an address of this machine, such as 127.0.0.1" })
      .default("127.0.0.1")
      .describe("Where it listens. Beyond this machine only with `tls`, or behind a proxy that has it."),
    port: count(0, 65_535).default(8480).describe("0: any that is free."),
    tls: z
      .strictObject({ cert: path.describe("Certificate, PEM."), key: path.describe("Its private key, PEM.") })
      .optional()
      .describe("Files, relative to this one. Left out: plain HTTP."),
    maxBody: count(1024, 33_554_432).default(2_097_152).describe("Bytes of a request's body."),
    rateLimit: z
      .strictObject({
        perSecond: z.number().positive().max(100_000).default(100),
        burst: count(1, 100_000).default(200),
      })
      .prefault({})
      .describe("Requests that one key may send."),
  })
  .describe("The HTTP API. Left out: there is none.");

const days = count(1, 36_500).nullable();
const retention = z
  .strictObject({
    inboxDays: days.default(90).describe("What people wrote. Default: 90."),
    eventDays: days.default(30).describe("What happened. Default: 30."),
    auditDays: days.default(null).describe("The audit, which stays provable. Default: for ever."),
    deliveryDays: days.default(30).describe("Tries of webhooks, of which the newest 200 of each are kept. Default: 30."),
  })
  .describe("How many days that is kept; null: for ever. What a webhook or a handler has not passed stays longer.");

/** One per top-level key: each is checked by itself, so that an error in one hides none in another. */
export const SECTIONS = {
  fleet: name.describe("The fleet's name."),
  store: z
    .strictObject({
      file: path.default("./greenroom.db").describe("The store; relative to this file."),
      key: secretReference
        .optional()
        .describe("Encrypts credentials at rest: 64 hex digits or base64 of 32 bytes. Left out: a key file beside the store."),
    })
    .describe("Where everything durable is kept."),
  accounts: z.record(name, account).refine((map) => Object.keys(map).length > 0, { error: "expected at least one account" }),
  lines: z.record(name, line).refine((map) => Object.keys(map).length > 0, { error: "expected at least one line" }),
  about: aboutSchema,
  timers,
  brake,
  reconnect,
  pacing: pace,
  api,
  alerts: alertsSchema(name),
  webhooks: webhooksSchema(name),
  retention,
  plugins: path.describe("A file of your own functions, relative to this one: docs/plugins.md."),
  whatsapp,
} as const;

export type Section = keyof typeof SECTIONS;
const REQUIRED: readonly Section[] = ["fleet", "accounts", "lines"];
export const isRequired = (section: Section): boolean => REQUIRED.includes(section);

/** The whole file: for editors, and to find what is known at a path. */
export const fleetSchema = z
  .strictObject({
    ...SECTIONS,
    store: SECTIONS.store.optional(),
    about: SECTIONS.about.optional(),
    timers: SECTIONS.timers.optional(),
    brake: SECTIONS.brake.optional(),
    reconnect: SECTIONS.reconnect.optional(),
    pacing: SECTIONS.pacing.optional(),
    api: SECTIONS.api.optional(),
    alerts: SECTIONS.alerts.optional(),
    webhooks: SECTIONS.webhooks.optional(),
    retention: SECTIONS.retention.optional(),
    plugins: SECTIONS.plugins.optional(),
    whatsapp: SECTIONS.whatsapp.optional(),
  })
  .describe("A Greenroom fleet.");

/** A fleet file's content, as data. */
export type FleetInput = z.input<typeof fleetSchema>;
export type Sections = { readonly [S in Section]: z.output<(typeof SECTIONS)[S]> };
