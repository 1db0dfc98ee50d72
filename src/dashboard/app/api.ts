/** Questions to the supervisor. The cookie goes along by itself, and the server decides what it may. */

/** What the server refused, in its own words: what happened, to whom, and what to do next. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.name = "Refused";
    this.status = status;
    this.code = code;
  }
}

let leave: () => void = () => undefined;
/** Told when the login has ended. */
export const onLoggedOut = (listener: () => void): void => {
  leave = listener;
};

interface Asked {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}
const ask = async <T>(method: string, path: string, { body, headers = {} }: Asked = {}): Promise<T> => {
  const response = await fetch(path, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new Refused(0, "E_AWAY", "the supervisor does not answer: is it running, and can this browser reach it?");
  });
  if (response.ok) return (await read(response)) as T;
  const { code, detail } = (await response.json().catch(() => ({}))) as { code?: string; detail?: string };
  if (response.status === 401 && path !== "/login") leave();
  throw new Refused(response.status, code ?? "E_UNKNOWN", detail ?? `the supervisor answered ${response.status}`);
};
const read = (response: Response): Promise<unknown> =>
  response.headers.get("content-type")?.includes("json") ? response.json() : response.text();

export const get = <T>(path: string): Promise<T> => ask<T>("GET", path);
export const getText = (path: string): Promise<string> => ask<string>("GET", path);
export const post = <T>(path: string, body: unknown = {}, headers: Readonly<Record<string, string>> = {}): Promise<T> =>
  ask<T>("POST", path, { body, headers });
export const remove = <T>(path: string): Promise<T> => ask<T>("DELETE", path);

/** What comes of it goes to one of the two, a refusal in words. */
export const settle = async <T>(
  promise: Promise<T>,
  onAnswer: (answer: T) => void,
  onRefusal: (words: string) => void,
): Promise<void> => {
  let answer: T;
  try {
    answer = await promise;
  } catch (error) {
    return onRefusal(wordsOf(error));
  }
  onAnswer(answer);
};
export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
