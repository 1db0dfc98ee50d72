/** Linking a device: a QR code on the screen, which changes every few seconds, or a code to be entered on the phone. */
import { useEffect, useState } from "preact/hooks";
import { getText, post, wordsOf } from "./api.ts";
import type { Live } from "./live.ts";
import { Complaint, Dialog, useAnswer } from "./parts.tsx";
import type { Offer } from "./types.ts";

interface Begun {
  readonly linked: boolean;
  readonly offer: Offer | null;
}
/** The code on the screen is at most so old. */
const ASK_EVERY = 2000;

/** Not within what is shown of a device that is not linked: it has to say that it is. */
export const LinkDialog = ({ id, live, onClose }: { readonly id: string; readonly live: Live; readonly onClose: () => void }) => {
  const [phone, setPhone] = useState("");
  /** null: not begun. */
  const [body, setBody] = useState<object | null>(null);
  const [begun, setBegun] = useState<Begun | null>(null);
  const [complaint, setComplaint] = useState<string | null>(null);
  useEffect(() => {
    if (body === null) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const ask = async (): Promise<void> => {
      try {
        const answer = await post<Begun>(`/v1/devices/${id}/link`, body);
        setComplaint(null);
        setBegun(answer);
        isOver ||= answer.linked;
        if (answer.linked) live.lookSoon(0);
      } catch (error) {
        setComplaint(wordsOf(error));
      }
      if (!isOver) timer = setTimeout(() => void ask(), ASK_EVERY);
    };
    void ask();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [body]);
  const offer = begun?.offer;
  return (
    <Dialog title={`Link ${id}`} onClose={onClose}>
      {begun?.linked ? (
        <p role="status">{id} is linked.</p>
      ) : body === null ? (
        <>
          <p>On the phone: WhatsApp, Settings, Linked devices, Link a device. Then scan what is shown here, or enter a code.</p>
          <p class="buttons">
            <button type="button" class="main" onClick={() => setBody({ method: "qr" })}>
              Show a QR code
            </button>
          </p>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              setBody({ method: "qr", phone: phone.replaceAll(/\D/g, "") });
            }}
          >
            <label>
              The account's number, with the country's code
              <input inputMode="tel" required value={phone} onInput={({ currentTarget }) => setPhone(currentTarget.value)} />
            </label>
            <button type="submit">Show a pairing code, too</button>
          </form>
        </>
      ) : offer?.kind === "qr" ? (
        <>
          <Code id={id} at={offer.at} />
          <p class="soft">It changes every few seconds: scan what is on the screen.</p>
          {offer.code === undefined ? null : (
            <p>
              Or enter on the phone: <code class="code">{offer.code}</code>
            </p>
          )}
        </>
      ) : (
        <p role="status">Asking WhatsApp for a code…</p>
      )}
      <Complaint text={complaint} />
      <p class="buttons">
        <button type="button" onClick={onClose}>
          Close
        </button>
      </p>
    </Dialog>
  );
};

/** A picture is fetched anew for each code: none is kept anywhere. */
const Code = ({ id, at }: { readonly id: string; readonly at: number }) => {
  const { answer, complaint } = useAnswer(() => getText(`/v1/devices/${id}/qr?format=svg`), [id, at]);
  if (answer === undefined) return <Complaint text={complaint} />;
  return (
    <img
      class="qr"
      alt={`QR code to be scanned with the phone of ${id}`}
      src={`data:image/svg+xml,${encodeURIComponent(answer)}`}
    />
  );
};
