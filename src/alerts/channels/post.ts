/** One HTTP request, with an answer that says nothing about where it went. */
import { ChannelError } from "./channel.ts";

export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export const post = async ({ url, headers, body }: Post, signal: AbortSignal): Promise<string> => {
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "greenroom", ...headers },
      body,
      signal,
      // The signature is for one address.
      redirect: "manual",
    });
  } catch (error) {
    throw new ChannelError(signal.aborted ? "it did not answer in time" : `it could not be reached${codeOf(error)}`, error);
  }
  await response.body?.cancel().catch(() => undefined);
  if (response.ok) return `answered ${response.status}`;
  throw new ChannelError(`it answered ${response.status}`);
};

const codeOf = (error: unknown): string => {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const code: unknown = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return typeof code === "string" && /^[A-Z_]{1,40}$/.test(code) ? ` (${code})` : "";
};
