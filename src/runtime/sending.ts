/** Taking a message: for whom it is, and what is said when it can't be taken. */
import type { AcceptRequest } from "../../machines/delivery/acceptance.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import type { MessageContent } from "../../machines/ports/store.ts";
import { ControlError, PHONE, resolveName, type SendAnswer } from "./control-protocol.ts";
import type { Supervisor } from "./supervisor.ts";
import type { Views } from "./views.ts";

export interface SendRequest {
  readonly line: string;
  readonly to: string;
  readonly content: MessageContent;
  readonly key?: string | undefined;
  readonly priority?: number | undefined;
  readonly region?: string | undefined;
  /** From now on. */
  readonly expiresIn?: Millis | undefined;
}

/** Resolves once the message is durable. Throws ControlError. */
export const sendMessage = async (
  { supervisor, views }: { readonly supervisor: Supervisor; readonly views: Views },
  { line: name, to, content, key, priority, region, expiresIn }: SendRequest,
): Promise<SendAnswer> => {
  const line = resolveName("line", name, [...views.roster().lines.keys()]);
  const answer = await supervisor.accept({
    line,
    to: addressOf(to),
    content,
    ...(key === undefined ? {} : { idempotencyKey: key }),
    ...(priority === undefined ? {} : { priority }),
    ...(region === undefined ? {} : { region }),
    ...(expiresIn === undefined ? {} : { expiresAt: views.now() + expiresIn }),
  });
  switch (answer.kind) {
    case "accepted":
      return { id: answer.id, seat: answer.seat, duplicate: answer.duplicate };
    case "full":
      throw new ControlError(
        "E_FULL",
        `${line} has ${answer.open} open messages, which is its outboxLimit: nothing was taken. Try again when some have gone out`,
      );
    case "noSeat":
      throw new ControlError("E_REFUSED", `${line} has no seat to send from: give it a master in the fleet file`);
    case "failed":
      throw new ControlError("E_STORE", answer.message);
  }
};

/** `+49 170 1234567`, `491701234567`, `…@lid`, `…@s.whatsapp.net` or `…@g.us`. */
export const addressOf = (to: string): AcceptRequest["to"] => {
  if (/^\d+@lid$/.test(to)) return { lid: to, pn: null };
  if (/^[\d-]+@(s\.whatsapp\.net|g\.us)$/.test(to)) return { lid: null, pn: to };
  const digits = to.replaceAll(/[\s()./-]/g, "").replace(/^\+/, "");
  if (PHONE.test(digits)) return { lid: null, pn: `${digits}@s.whatsapp.net` };
  throw new ControlError(
    "E_BAD_REQUEST",
    `"${to}" is no recipient: expected a phone number with the country's code, such as +491701234567, or an address that ends in @lid, @s.whatsapp.net or @g.us`,
  );
};
