/** What a line's strategy is told, from what its fleet file says. */
import { balanceOf } from "../../machines/delivery/balance/settings.ts";
import type { LineBalance } from "../../machines/delivery/balance/strategy.ts";
import { accountId } from "../../machines/ports/ids.ts";
import { bareAddress } from "../../machines/ports/store.ts";
import type { LineConfig } from "../config/index.ts";

export const lineBalanceOf = ({ id, masters, strategy, balance }: LineConfig): LineBalance => {
  const tierOfAddress = tiersBy(balance?.priority?.contacts ?? {});
  return balanceOf(id, masters, {
    strategy,
    gist: JSON.stringify([strategy, balance]),
    weights: balance?.weights ?? {},
    adaptive: balance?.adaptive ?? true,
    tierOf: ({ lid, pn }) => tierOfAddress.get(bareAddress(lid ?? "")) ?? tierOfAddress.get(bareAddress(pn ?? "")) ?? null,
    priority: { tiers: balance?.priority?.tiers ?? [], reserved: balance?.priority?.reserved ?? 0 },
    geo: {
      regions: Object.entries(balance?.geo?.regions ?? {}).map(([name, region]) => ({
        name,
        countries: region.countries,
        masters: region.masters.map(accountId),
        distances: region.distances,
      })),
      otherwise: balance?.geo?.otherwise ?? null,
    },
  });
};

/** Numbers in the file are written as people write them. */
const tiersBy = (contacts: Readonly<Record<string, readonly string[]>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(contacts).flatMap(([tier, list]) => list.map((contact) => [addressOf(contact), tier])));

const addressOf = (contact: string): string =>
  contact.includes("@") ? bareAddress(contact) : `${contact.replace("+", "")}@s.whatsapp.net`;
