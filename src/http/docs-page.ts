/** The OpenAPI document as one page without scripts: it works offline, and under a policy that allows nothing. */
import { createHash } from "node:crypto";
import { PROBLEMS } from "./errors.ts";

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
  readonly description?: string;
  readonly default?: unknown;
}
interface Content {
  readonly [type: string]: { readonly schema: Schema };
}
interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly "x-greenroom-role": string | null;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly description?: string;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content: Content }>>;
}
export interface Document {
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--dim:#888}
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}
code,pre,summary b{font-family:ui-monospace,monospace;font-size:.92em}
details{border:1px solid var(--line);border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}
summary{cursor:pointer}
summary b{display:inline-block;min-width:4.2rem}
table{border-collapse:collapse;width:100%;margin:.4rem 0}
td,th{border-top:1px solid var(--line);padding:.25rem .6rem .25rem 0;text-align:left;vertical-align:top}
.dim{color:var(--dim)}
nav a{margin-right:1rem}
pre{background:#8882;padding:.6rem;border-radius:6px;overflow:auto}
`;
export const DOCS_CSP = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`;

export const docsPage = ({ info, paths, components }: Document): string => {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const tags = [...new Set(operations.flatMap(({ operation }) => operation.tags))];
  const sections = tags.map((tag) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(tag));
    return `<h2 id="${escaped(tag)}">${escaped(tag)}</h2>${own.map(operationHtml).join("")}`;
  });
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) =>
      `<details id="schema-${escaped(name)}"><summary><b>${escaped(name)}</b></summary>${fieldsHtml(schema)}</details>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Greenroom API</title><style>${STYLE}</style></head><body>
<h1>Greenroom API <span class="dim">${escaped(info.version)}</span></h1>
<p>The same as <a href="/openapi.json">openapi.json</a>. Send a key with each request: <code>Authorization: Bearer gr_…</code> or <code>X-Api-Key: gr_…</code>.
<code>greenroom key create NAME --role operator</code> makes one.</p>
<pre>curl -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -H "Idempotency-Key: order-17" \\
  -d '{"line": "sales", "to": "+491701234567", "text": "It is on its way."}' $URL/v1/messages</pre>
<nav>${[...tags, "types", "errors"].map((tag) => `<a href="#${escaped(tag)}">${escaped(tag)}</a>`).join("")}</nav>
${sections.join("\n")}
<h2 id="types">types</h2>${schemas.join("")}
<h2 id="errors">errors</h2>
<p>Refusals are <code>application/problem+json</code> (RFC 9457): <code>code</code> does not change, <code>detail</code> says what to do.</p>
<table><tr><th>code</th><th>status</th><th>meaning</th></tr>${Object.entries(PROBLEMS)
    .map(
      ([code, [status, title]]) =>
        `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${escaped(title)}</td></tr>`,
    )
    .join("")}</table>
</body></html>`;
};

const operationHtml = ({ path, method, operation }: { path: string; method: string; operation: Operation }): string => {
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  const rows = parameters.map(
    ({ name, in: place, required, schema, description: words }) =>
      `<tr><td><code>${escaped(name)}</code></td><td>${place}${required ? "" : " <span class=dim>optional</span>"}</td><td>${typeHtml(schema)}${words ? ` ${escaped(words)}` : ""}</td></tr>`,
  );
  const answers = Object.entries(responses).map(
    ([status, { description: words, content }]) =>
      `<tr><td>${status}</td><td>${Object.entries(content)
        .map(([type, { schema }]) => (type.includes("problem") ? "" : `${escaped(type)} ${typeHtml(schema)}`))
        .join("<br>")}</td><td>${Number(status) >= 400 ? codesHtml(words) : escaped(words)}</td></tr>`,
  );
  return `<details id="${escaped(operationId)}"><summary><b>${method}</b> <code>${escaped(path)}</code> ${escaped(summary)} <span class="dim">${operation["x-greenroom-role"] ?? ""}</span></summary>
${description ? `<p>${escaped(description)}</p>` : ""}${rows.length > 0 ? `<table>${rows.join("")}</table>` : ""}
${
  requestBody
    ? `<p>Body:</p>${Object.values(requestBody.content)
        .map(({ schema }) => fieldsHtml(schema))
        .join("")}`
    : ""
}
<table>${answers.join("")}</table></details>`;
};

const codesHtml = (codes: string): string =>
  codes
    .split(", ")
    .map((code) => `<a href="#${escaped(code)}"><code>${escaped(code)}</code></a>`)
    .join(", ");

/** A type in one line. */
const typeHtml = (schema: Schema): string => {
  const { $ref, const: constant, enum: values, items, anyOf, oneOf, properties, additionalProperties, type } = schema;
  if ($ref) {
    const name = escaped($ref.slice($ref.lastIndexOf("/") + 1));
    return `<a href="#schema-${name}">${name}</a>`;
  }
  if (constant !== undefined) return `<code>${escaped(JSON.stringify(constant))}</code>`;
  if (values) return values.map((value) => `<code>${escaped(JSON.stringify(value))}</code>`).join(" or ");
  const choice = anyOf ?? oneOf;
  if (choice) return choice.map(typeHtml).join(" or ");
  if (items) return `list of ${typeHtml(items)}`;
  if (properties)
    return `{ ${Object.entries(properties)
      .map(([name, inner]) => `${escaped(name)}: ${typeHtml(inner)}`)
      .join(", ")} }`;
  if (typeof additionalProperties === "object") return `map of ${typeHtml(additionalProperties)}`;
  return escaped(Array.isArray(type) ? type.join(" or ") : String(type ?? "anything"));
};

/** An object's fields, one a line. */
const fieldsHtml = (schema: Schema): string => {
  const choice = schema.anyOf ?? schema.oneOf;
  if (choice) return choice.map(fieldsHtml).join("<p>or</p>");
  if (!schema.properties) return `<p>${typeHtml(schema)}</p>`;
  const rows = Object.entries(schema.properties).map(([name, field]) => {
    const optional = schema.required?.includes(name) ? "" : " <span class=dim>optional</span>";
    const fallback =
      field.default === undefined ? "" : ` <span class=dim>default ${escaped(JSON.stringify(field.default))}</span>`;
    return `<tr><td><code>${escaped(name)}</code>${optional}</td><td>${typeHtml(field)}${fallback}</td><td>${escaped(field.description ?? "")}</td></tr>`;
  });
  return `<table>${rows.join("")}</table>`;
};

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
