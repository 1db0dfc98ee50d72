/** Requests drawn from the OpenAPI document: mostly what it asks for, often with one thing wrong, sometimes nonsense. */
import * as fc from "fast-check";
import { openApiDocument } from "../../src/http/openapi.ts";
import { ROUTES } from "../../src/http/routes/index.ts";

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}
interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly schema: Schema;
}
interface Operation {
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}
const document = openApiDocument(ROUTES, "0") as unknown as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};

export interface Drawn {
  readonly id: string;
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: string;
  /** Whose key: a role, bound to a line or not, or none. */
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  /** undefined: none. A string is sent as it is. */
  readonly body: unknown;
}

/** Stands in every text of a message, and in every number: nothing that is logged may contain it. */
export const MARK = "qzq7";
export const NUMBER = "49170999";

/** What the fleet of the tests knows, so that most requests get past the names. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  line: ["sales", "help"],
  account: ["sales-1", "sales-2", "help-1", "bulk-1"],
  device: ["a", "b", "sales-1/a", "help-1/a"],
  seat: ["sales/sales-1", "help/help-1"],
  subject: ["sales/sales-1", "sales-1/a", "fleet", "help"],
  conversation: ["help|c:1", "sales|c:2"],
  to: [`+${NUMBER}0001`, `${NUMBER}0002`, `${NUMBER}@lid`, `${NUMBER}-1@g.us`],
  type: ["seat.serving", "alert.*"],
  state: ["held", "accepted,failed"],
  text: [`${MARK} hello`],
  phone: [`${NUMBER}0003`],
  data: [Buffer.from("%PDF-1.4 ").toString("base64"), Buffer.from([0xff, 0xd8, 0xff, 0xe0]).toString("base64")],
  proto: [Buffer.from([0x0a, 0x02, 0x68, 0x69]).toString("base64")],
};

const junk: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(
    null,
    true,
    -1,
    1e308,
    0.5,
    "",
    " ",
    "\u0000",
    "'; drop table outbox; --",
    "../../etc/passwd",
    "%2e%2e",
    "a".repeat(5000),
  ),
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.constantFrom([], {}, [[]], { __proto__: null, constructor: 1 }, { $ref: "#" }),
);

const textOf = ({ pattern, format, minLength = 0, maxLength = 40 }: Schema): fc.Arbitrary<string> => {
  if (pattern !== undefined && !pattern.includes("(?"))
    return fc.stringMatching(new RegExp(pattern), { size: "-1" }).map((text) => text.slice(0, maxLength));
  if (format === "base64")
    return fc.uint8Array({ minLength: 3, maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("base64"));
  const length = { minLength, maxLength: Math.min(maxLength, minLength + 40) };
  return fc.string({ ...length, unit: "grapheme" }).map((text) => (maxLength > 60 ? `${MARK}${text}` : text));
};

const valueOf = (name: string, schema: Schema): fc.Arbitrary<unknown> => {
  // Nobody needs to be waited for.
  if (name === "wait") return fc.constant(0);
  const known = NAMES[name];
  return known
    ? fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...known) }, { weight: 1, arbitrary: plainOf(name, schema) })
    : plainOf(name, schema);
};

const plainOf = (name: string, schema: Schema): fc.Arbitrary<unknown> => {
  const { $ref, const: constant, enum: values, items, properties, type, minimum = -5, maximum = 1000 } = schema;
  if ($ref) return plainOf(name, document.components.schemas[$ref.slice($ref.lastIndexOf("/") + 1)] ?? {});
  if (constant !== undefined) return fc.constant(constant);
  if (values) return fc.constantFrom(...values);
  const choice = schema.anyOf ?? schema.oneOf;
  if (choice) return fc.oneof(...choice.map((each) => plainOf(name, each)));
  if (properties) {
    const required = Object.keys(properties).filter((key) => schema.required?.includes(key));
    return fc.record(Object.fromEntries(Object.entries(properties).map(([key, inner]) => [key, valueOf(key, inner)])), {
      requiredKeys: required,
    });
  }
  if (items) return fc.array(valueOf(name.replace(/s$/, ""), items), { maxLength: 3 });
  const kind = Array.isArray(type) ? type[0] : type;
  if (kind === "integer") return fc.integer({ min: Math.max(minimum, -5), max: Math.min(maximum, 100_000) });
  if (kind === "number") return fc.double({ min: minimum, max: maximum, noNaN: true });
  if (kind === "boolean") return fc.boolean();
  if (kind === "null") return fc.constant(null);
  return textOf(schema);
};

/** One value in it is something else, or one more is there. */
const spoiled = (body: unknown): fc.Arbitrary<unknown> => {
  if (typeof body !== "object" || body === null) return junk;
  const keys = [...Object.keys(body), "more"];
  return fc.tuple(fc.constantFrom(...keys), junk).map(([key, value]) => ({ ...body, [key]: value }));
};
const perhapsSpoiled = (arbitrary: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 3, arbitrary }, { weight: 2, arbitrary: arbitrary.chain(spoiled) }, { weight: 1, arbitrary: junk });

const shown = (value: unknown): string => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));

const requestOf = (path: string, method: string, operation: Operation): fc.Arbitrary<Omit<Drawn, "key" | "headers" | "id">> => {
  const parameter = ({ name, schema, required }: Parameter): fc.Arbitrary<readonly [string, unknown]> => {
    const value = fc.oneof({ weight: 5, arbitrary: valueOf(name, schema) }, { weight: 1, arbitrary: junk });
    return (required ? value : fc.option(value, { nil: undefined, freq: 1 })).map((each) => [name, each] as const);
  };
  const inPath = operation.parameters.filter((each) => each.in === "path");
  const inQuery = operation.parameters.filter((each) => each.in === "query");
  const schema = operation.requestBody?.content["application/json"]?.schema;
  const body = schema ? perhapsSpoiled(plainOf("", schema)) : fc.constantFrom(undefined, {});
  return fc
    .record({ path: fc.tuple(...inPath.map(parameter)), query: fc.tuple(...inQuery.map(parameter)), body })
    .map((drawn) => {
      let url = path;
      for (const [name, value] of drawn.path)
        url = url.replace(`{${name}}`, encodeURIComponent(shown(value).toWellFormed()) || "x");
      const query = drawn.query.flatMap(([name, value]) =>
        value === undefined ? [] : [`${name}=${encodeURIComponent(shown(value).toWellFormed())}`],
      );
      return {
        method: method.toUpperCase() as Drawn["method"],
        url: query.length > 0 ? `${url}?${query.join("&")}` : url,
        body: drawn.body,
      };
    });
};

const headers: fc.Arbitrary<Drawn["headers"]> = fc.record(
  {
    "idempotency-key": fc.oneof(
      fc.constantFrom("k1", "k2", "k3"),
      fc.string({ maxLength: 10 }).map((text) => text.replaceAll(/[^\x20-\x7e]/g, "?")),
    ),
    "if-match": fc.constantFrom('"1"', "*", "W/x", '"999999"'),
    "last-event-id": fc.constantFrom("0", "-1", "x"),
    "content-type": fc.constantFrom("application/json", "application/json", "text/plain", "application/json; charset=utf-8", "x"),
    accept: fc.constantFrom("*/*", "application/json", ""),
  },
  { requiredKeys: [] },
);

export const KEYS = ["admin", "operator", "viewer", "admin of help", "operator of help", "none", "wrong"] as const;
const key = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("admin", "operator") },
  { weight: 2, arbitrary: fc.constantFrom(...KEYS) },
);

export const requests: fc.Arbitrary<Drawn> = fc.oneof(
  ...ROUTES.map((route) => {
    const operation = document.paths[route.path]?.[route.method.toLowerCase()];
    if (!operation) throw new Error(`${route.id} is not in the document`);
    return fc
      .record({ request: requestOf(route.path, route.method, operation), key, headers })
      .map(({ request, ...rest }) => ({ id: route.id, ...request, ...rest }));
  }),
);
