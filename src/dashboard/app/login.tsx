/** A key for a cookie. The key itself is kept nowhere. */
import { useState } from "preact/hooks";
import { post, settle } from "./api.ts";
import { Complaint } from "./parts.tsx";
import type { Key } from "./types.ts";

export const Login = ({ complaint, onLogin }: { readonly complaint: string | null; readonly onLogin: (key: Key) => void }) => {
  const [secret, setSecret] = useState("");
  const [refused, setRefused] = useState<string | null>(complaint);
  const [isAsking, setAsking] = useState(false);
  const submit = (event: Event): void => {
    event.preventDefault();
    setAsking(true);
    void settle(post<Key>("/login", { key: secret }), onLogin, (words) => {
      setRefused(words);
      setAsking(false);
    });
  };
  return (
    <main class="login">
      <h1>Greenroom</h1>
      <form onSubmit={submit}>
        <label>
          API key
          <input
            type="password"
            autocomplete="off"
            spellcheck={false}
            required
            autofocus
            value={secret}
            onInput={({ currentTarget }) => setSecret(currentTarget.value)}
          />
        </label>
        <button type="submit" class="main" disabled={isAsking}>
          Log in
        </button>
        <Complaint text={refused} />
        <p class="soft">
          <code>greenroom key create NAME --role viewer</code> makes one. What it may do, you may do here.
        </p>
      </form>
    </main>
  );
};
