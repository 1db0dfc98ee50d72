/** What every channel owes: the same cases for all kinds. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Channel } from "../../src/alerts/channels/channel.ts";
import { notice } from "./kit.ts";

export interface Told {
  /** null: people can't see it. */
  readonly id: string | null;
  readonly text: string;
}
export interface ChannelUnderTest {
  readonly channel: Channel;
  told(): readonly Told[];
  /** null: it can't. */
  readonly refuse: ((on: boolean) => void) | null;
  readonly hang: ((on: boolean) => void) | null;
  close(): Promise<void>;
}

const patience = (): AbortSignal => AbortSignal.timeout(20_000);

export const channelCases = (kind: string, open: () => Promise<ChannelUnderTest>): void => {
  describe(`the channel ${kind}`, () => {
    let under: ChannelUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under.close());

    it("takes a notice, and names every alert in it", async () => {
      const subjects = ["sales-1/a", "sales-2/a", "help-1/a", "help-2/a"];
      await expect(under.channel.deliver(notice("many", subjects), patience())).resolves.toMatch(/^[a-z]/);
      const text = under.told().at(-1)?.text ?? "";
      for (const subject of subjects) expect(text).toContain(subject);
      expect(text).toContain("WARNING");
    });

    it("tells by its id that a notice is handed over a second time", async () => {
      await under.channel.deliver(notice("twice"), patience());
      await under.channel.deliver(notice("twice"), patience());
      const ids = under.told().map(({ id }) => id);
      expect(new Set(ids.slice(-2)).size).toBe(1);
    });

    it("rejects what the other side refuses, with nothing secret in its words, and takes it later", async () => {
      const before = under.told().length;
      under.refuse?.(true);
      const refused = await under.channel.deliver(notice("refused"), patience()).catch(String);
      under.refuse?.(false);
      const isAble = under.refuse !== null;
      expect(refused.startsWith("ChannelError")).toBe(isAble);
      expect(refused).not.toMatch(/secret|127\.0\.0\.1|4917|business/);
      expect(under.told().length - before).toBe(isAble ? 0 : 1);
      await under.channel.deliver(notice("refused"), patience());
      expect(under.told().length).toBeGreaterThan(before);
    });

    it("does not wait for ever", async () => {
      under.hang?.(true);
      const waited = await under.channel.deliver(notice("late"), AbortSignal.timeout(100)).catch(String);
      under.hang?.(false);
      expect(waited.startsWith("ChannelError: it did not answer in time")).toBe(under.hang !== null);
    });
  });
};
