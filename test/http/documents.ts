/** The document and its page: made from the routes, complete, and usable without a network. */
import { describe, expect, it } from "vitest";
import { DELIVERIES } from "../../src/http/deliveries.ts";
import { DOCS_CSP, type Document, docsPage } from "../../src/http/docs-page.ts";
import { PROBLEMS } from "../../src/http/errors.ts";
import { codesOf, openApiDocument } from "../../src/http/openapi.ts";
import { ROUTES } from "../../src/http/routes/index.ts";
import type { InboundMessage } from "../../src/runtime/messages.ts";
import { eventEnvelope, messageEnvelope } from "../../src/webhooks/envelope.ts";

const document = openApiDocument(ROUTES, "1.2.3") as unknown as Document & {
  readonly openapi: string;
  readonly webhooks: object;
  readonly components: { readonly securitySchemes: object };
};

/** Every `$ref` in it. */
const refsIn = (value: unknown): string[] => {
  if (Array.isArray(value)) return value.flatMap(refsIn);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === "$ref" ? [String(inner)] : refsIn(inner)));
};

export const documents = (): void => {
  describe("openapi.json", () => {
    it("has every route, with its answers and what it refuses", () => {
      expect(document.openapi).toBe("3.1.0");
      for (const route of ROUTES) {
        const operation = document.paths[route.path]?.[route.method.toLowerCase()];
        expect(operation?.operationId).toBe(route.id);
        const statuses = [...Object.keys(route.answers).map(Number), ...codesOf(route).map((code) => PROBLEMS[code][0])];
        expect(Object.keys(operation?.responses ?? {}).map(Number)).toEqual([...new Set(statuses)].sort((a, b) => a - b));
        const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
        const declared = operation?.parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name);
        expect(declared).toEqual(inPath);
      }
    });

    it("takes If-Match wherever it may be refused because something has changed", () => {
      const takes = ROUTES.filter(({ method, path }) =>
        document.paths[path]?.[method.toLowerCase()]?.parameters.some(({ name }) => name === "If-Match"),
      ).map(({ id }) => id);
      expect(takes).toEqual(ROUTES.filter((route) => codesOf(route).includes("E_CHANGED")).map(({ id }) => id));
      expect(takes).toEqual(expect.arrayContaining(["switchover", "applyFleet", "addAccount", "removeServant", "changeLine"]));
    });

    it("has what webhooks receive, as it is sent", () => {
      expect(Object.keys(document.webhooks)).toEqual(["message.received", "event"]);
      expect(document.components.schemas).toHaveProperty("MessageDelivery");
      const message = {
        seq: 7,
        id: "3A",
        line: "help",
        seat: "help/help-1",
        conversation: "help|c:1",
        contact: "c:1",
        country: "DE",
        account: "help-1",
        chat: "1@lid",
        from: "1@lid",
        isGroup: false,
        sentAt: 1_764_158_990_000,
        receivedAt: 1_764_159_000_000,
        kind: "text",
        text: "hello",
        replyTo: null,
        media: null,
        location: null,
        contacts: [],
        proto: new Uint8Array([1]),
      } as unknown as InboundMessage;
      const received = messageEnvelope("acme", message);
      expect(DELIVERIES["message.received"].parse(received)).toEqual(received);
      const event = { seq: 9, at: 1_764_159_000_000, type: "fleet.changed", subject: "sales", data: { text: "x", by: "ann" } };
      const told = eventEnvelope("acme", event);
      expect(DELIVERIES.event.parse(told)).toEqual(told);
    });

    it("refers to nothing that is not in it, and keeps its types in one place", () => {
      const refs = refsIn(document);
      expect(refs.length).toBeGreaterThan(50);
      for (const ref of refs) {
        expect(ref).toMatch(/^#\/components\/schemas\/\w+$/);
        expect(document.components.schemas).toHaveProperty(ref.slice(ref.lastIndexOf("/") + 1));
      }
      expect(Object.keys(document.components.schemas)).toEqual(
        expect.arrayContaining(["Seat", "Device", "Message", "Failover", "Problem"]),
      );
    });

    it("says of a request what may be left out, and of an answer what is always there", () => {
      const draft = JSON.stringify(document.components.schemas["Draft"]);
      expect(draft).toContain('"required":["line","to","text"]');
      const created = document.paths["/v1/keys"]?.["post"]?.requestBody?.content["application/json"]?.schema;
      expect(created?.required).toEqual(["name", "role"]);
    });
  });

  describe("the page", () => {
    const page = docsPage(document);

    it("names every endpoint, type and code", () => {
      for (const { path, id } of ROUTES) {
        expect(page).toContain(`<code>${path}</code>`);
        expect(page).toContain(`id="${id}"`);
      }
      for (const code of Object.keys(PROBLEMS)) expect(page).toContain(`<tr id="${code}">`);
      for (const name of Object.keys(document.components.schemas)) expect(page).toContain(`id="schema-${name}"`);
    });

    it("leads nowhere that is not in it, loads nothing and runs nothing", () => {
      const targets = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id ?? "");
      expect(targets.length).toBeGreaterThan(100);
      const ids = new Set([...page.matchAll(/id="([^"]+)"/g)].map(([, id]) => id));
      expect(targets.filter((id) => !ids.has(id))).toEqual([]);
      expect(page).not.toMatch(/<script|<link|<img|<iframe|https?:\/\/|@import|url\(/);
      expect(DOCS_CSP).toContain("default-src 'none'");
    });

    it("shows what somebody wrote as text", () => {
      const hostile = JSON.parse(JSON.stringify(document).replaceAll("The whole fleet at a glance", "<b onload=x>&")) as Document;
      expect(docsPage(hostile)).toContain("&lt;b onload=x&gt;&amp;");
    });
  });
};
