/** The OpenAPI 3.1 document, made from the table of routes: what it says is what is checked. */
import { z } from "zod";
import { DELIVERIES } from "./deliveries.ts";
import { PROBLEM_TYPE, PROBLEMS, type ProblemCode, problemSchema } from "./errors.ts";
import type { Route } from "./route.ts";

type Json = Record<string, unknown>;

/** Refused before a handler is reached. */
const ALWAYS: readonly ProblemCode[] = ["E_BAD_REQUEST", "E_RATE", "E_INTERNAL", "E_STORE", "E_TIMEOUT"];
const WITH_KEY: readonly ProblemCode[] = ["E_NO_KEY", "E_BAD_KEY", "E_KEY_EXPIRED", "E_KEY_REVOKED", "E_FORBIDDEN"];
const WITH_BODY: readonly ProblemCode[] = ["E_BAD_JSON", "E_TOO_LARGE", "E_MEDIA_TYPE"];
const WITH_NAME: readonly ProblemCode[] = ["E_UNDER_WAY", "E_OUTCOME_UNKNOWN", "E_KEY_REUSED"];

/** Every code that a route may answer with. */
export const codesOf = ({ role, method, isWhole, repeats, refuses }: Route): ProblemCode[] => [
  ...new Set([
    ...ALWAYS,
    ...(role === null ? [] : WITH_KEY),
    ...(isWhole ? (["E_SCOPE"] as const) : []),
    ...(method === "POST" ? WITH_BODY : []),
    ...(method === "POST" && repeats !== "own" ? WITH_NAME : []),
    // Until the fleet has been loaded.
    "E_REFUSED" as const,
    ...refuses,
  ]),
];

export const openApiDocument = (routes: readonly Route[], version: string): Json => {
  const components = new Map<string, unknown>();
  const schemaOf = (schema: z.ZodType, io: "input" | "output"): Json => {
    const { $schema: _, $defs, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" }) as Json & { $defs?: Json };
    for (const [name, definition] of Object.entries($defs ?? {})) components.set(name, relocated(definition));
    return relocated(rest) as Json;
  };
  const problem = schemaOf(z.strictObject({ problem: problemSchema }), "output");
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const operations = (paths[route.path] ??= {});
    operations[route.method.toLowerCase()] = operationOf(route, schemaOf, (problem["properties"] as Json)["problem"]);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Greenroom",
      version,
      description: "Keeps fleets of WhatsApp accounts in service. docs/api.md explains roles, errors, repeats and events.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{ bearer: [] }, { apiKey: [] }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    webhooks: Object.fromEntries(
      Object.entries(DELIVERIES).map(([name, schema]) => [
        name,
        {
          post: {
            summary: name === "event" ? "Something has happened in the fleet" : "Somebody has written",
            description: "Signed as Standard Webhooks says: webhook-id, webhook-timestamp and webhook-signature.",
            security: [],
            requestBody: { required: true, content: { "application/json": { schema: schemaOf(schema, "output") } } },
            responses: { "2XX": { description: "Delivered. Anything else: it comes again." } },
          },
        },
      ]),
    ),
    components: {
      schemas: Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1))),
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "Authorization: Bearer gr_…" },
        apiKey: { type: "apiKey", in: "header", name: "X-Api-Key" },
      },
    },
  };
};

type SchemaOf = (schema: z.ZodType, io: "input" | "output") => Json;

const operationOf = (route: Route, schemaOf: SchemaOf, problem: unknown): Json => ({
  operationId: route.id,
  tags: [route.tag],
  summary: route.summary,
  ...(route.description === undefined ? {} : { description: route.description }),
  "x-greenroom-role": route.role,
  ...(route.role === null ? { security: [] } : {}),
  parameters: [
    ...parametersOf("path", route.params, schemaOf),
    ...parametersOf("query", route.query, schemaOf),
    ...(route.method === "POST" ? [IDEMPOTENCY_KEY] : []),
    ...(route.refuses.includes("E_CHANGED") ? [IF_MATCH] : []),
  ],
  ...(route.takesBytes ? { requestBody: { required: true, content: { "application/octet-stream": { schema: {} } } } } : {}),
  ...(route.body === null
    ? {}
    : { requestBody: { required: true, content: { "application/json": { schema: schemaOf(route.body, "input") } } } }),
  responses: { ...answersOf(route, schemaOf), ...problemsOf(route, problem) },
});

const IDEMPOTENCY_KEY = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description: "Chosen by the client, a new one for each request: sent again with it, the request is done once.",
  schema: { type: "string", minLength: 1, maxLength: 200, pattern: "^[\\x21-\\x7e]+$" },
};

const IF_MATCH = {
  name: "If-Match",
  in: "header",
  required: false,
  description: "The ETag of what was looked at: 412 E_CHANGED if it is another one by now. Left out, or *: whatever it is.",
  schema: { type: "string", maxLength: 2000 },
};

const parametersOf = (place: "path" | "query", shape: z.ZodObject, schemaOf: SchemaOf): Json[] => {
  const { properties = {}, required = [] } = schemaOf(shape, "input") as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: place,
    required: place === "path" || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema,
  }));
};

const answersOf = ({ answers, types }: Route, schemaOf: SchemaOf): Json =>
  Object.fromEntries(
    Object.entries(answers).map(([status, schema]) => {
      const isText = schema instanceof z.ZodString;
      const json = isText ? {} : { "application/json": { schema: schemaOf(schema, "output") } };
      const other = Object.fromEntries(types.map((type) => [type, { schema: { type: "string" } }]));
      return [status, { description: schema.description ?? "Done.", content: { ...json, ...other } }];
    }),
  );

const problemsOf = (route: Route, schema: unknown): Json => {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of codesOf(route)) {
    const [status] = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, codes]) => [status, { description: codes.join(", "), content: { [PROBLEM_TYPE]: { schema } } }]),
  );
};

/** Definitions move to where OpenAPI keeps them, and so do the references. */
const relocated = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(relocated);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === "$ref" && typeof inner === "string" ? inner.replace("#/$defs/", "#/components/schemas/") : relocated(inner),
    ]),
  );
};
