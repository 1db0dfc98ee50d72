/** Looking at the machines over the API: where each chart stands, the charts themselves, and a change of holder played again. */
import { beforeAll, describe, expect, it } from "vitest";
import { readFilm } from "../../machines/driver/film-text.ts";
import type { ApiRig } from "./rig.ts";

export const machines = (rigOf: () => ApiRig): void => {
  let rig: ApiRig;
  beforeAll(() => {
    rig = rigOf();
  });
  const get = (url: string) => rig.ask("GET", url);

  describe("the machines", () => {
    it("are listed with their states, and found by words", async () => {
      const { body } = await get("/v1/actors?search=SEAT%20help");
      expect(body).toMatchObject({ actors: [{ address: "seat:help/help-1", kind: "seat", state: "serving" }], more: false });
      expect((await get("/v1/actors?limit=1")).body).toMatchObject({ actors: [expect.anything()], more: true });
    });

    it("are listed to the last, in pages", async () => {
      const all = (await rig.ask("GET", "/v1/actors?limit=1000")).body as unknown as { actors: object[]; next: null };
      expect(all.next).toBeNull();
      const seen: object[] = [];
      let next: string | null = "";
      while (next !== null) {
        const { body } = await rig.ask("GET", `/v1/actors?limit=7${next === "" ? "" : `&cursor=${next}`}`);
        seen.push(...(body["actors"] as unknown as object[]));
        next = body["next"] as unknown as string | null;
      }
      expect(seen.map((each) => ({ ...each, state: "" }))).toEqual(all.actors.map((each) => ({ ...each, state: "" })));
    });

    it("are of kinds that have a chart", async () => {
      const charts = await rig.api.app.inject({ method: "GET", url: "/charts.json" });
      const { actors } = (await get("/v1/actors?limit=1000")).body as unknown as { actors: { kind: string; state: string }[] };
      const drawn = charts.json<Record<string, { states: { id: string }[] }>>();
      const unknown = actors.filter(({ kind, state }) => !drawn[kind]?.states.some(({ id }) => id === state));
      expect(unknown).toEqual([]);
      expect(new Set(actors.map(({ kind }) => kind))).toEqual(expect.objectContaining(new Set(["seat", "connection", "health"])));
    });
  });

  describe("the health of an account", () => {
    it("is what its devices answer to probes, and its deep checks", async () => {
      const health = async () =>
        (await rig.ask("GET", "/v1/accounts/sales-1/health")).body as unknown as {
          readonly probes: readonly { readonly probes: number; readonly unanswered: number; readonly mean: number }[];
        };
      await rig.until(async () => (await health()).probes.length > 0);
      expect((await health()).probes[0]).toMatchObject({ unanswered: 0, mean: 1 });
    });
  });

  describe("a change of holder", () => {
    it("is played again out of the journal, on a page that may run nothing but itself", { timeout: 120_000 }, async () => {
      const { body } = await rig.ask("POST", "/v1/seats/sales/sales-1/failover", { body: {} });
      const id = String(body["id"]);
      const url = `/v1/failovers/${encodeURIComponent(id)}/replay`;
      const filmIn = (text: string) => readFilm(/id="film">\n(.*?)\n<\/script>/s.exec(text)?.[1] ?? "");
      // The journal is written down four times a second: the beginning may be there, and the end not yet.
      await rig.until(async () => filmIn((await get(url)).text).film?.failovers.some((each) => each.id === id) === true);
      const { text, headers } = await get(url);
      expect(headers["content-security-policy"]).toMatch(/default-src 'none'; script-src 'sha256-[^;]+; style-src 'sha256-/);
      const { film, complaint } = filmIn(text);
      expect(complaint).toBeNull();
      expect(film?.failovers.map((each) => each.id)).toContain(id);
      expect(film?.actors.map(({ address }) => address)).toContain("seat:sales/sales-1");
      expect(text).not.toMatch(/491701234567/);
    });

    it("of long ago is not in the journal any more, which is said", async () => {
      const { failovers } = (await get("/v1/failovers?limit=1")).body as unknown as { failovers: { id: string; seat: string }[] };
      const old = { ...failovers[0], id: "long-ago", detectedAt: 1000, lastEvidenceAt: 500, endedAt: 2000 };
      const audit = {
        at: 1000,
        actor: "test",
        action: "failover.ended",
        subject: "sales/sales-1",
        text: "long ago",
        evidence: {},
      };
      await rig.supervisor.ask("failover.record", { failover: old, audit } as never);
      expect(await get("/v1/failovers/long-ago/replay")).toMatchObject({ status: 404, body: { code: "E_NO_JOURNAL" } });
      expect(await get("/v1/failovers/never/replay")).toMatchObject({ status: 404, body: { code: "E_UNKNOWN_FAILOVER" } });
    });
  });
};
