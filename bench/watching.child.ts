/** Those who watch: dashboards, each with its live stream and its looks at the status, and a Prometheus. Says when all of them see. */
export interface Watch {
  readonly api: string;
  readonly key: string;
  readonly dashboards: number;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

process.once("message", ({ api, key, dashboards }: Watch) => {
  const headers = { authorization: `Bearer ${key}` };
  const look = async (path: string): Promise<void> => {
    const response = await fetch(`${api}${path}`, { headers });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    await response.text();
  };
  /** As the page does: two seconds after something happened, and every five seconds anyway. */
  const dashboard = async (): Promise<void> => {
    const stream = await fetch(`${api}/v1/events`, { headers: { ...headers, accept: "text/event-stream" } });
    if (!stream.body) throw new Error("no stream");
    let isNew = false;
    const read = async (body: ReadableStream<Uint8Array>): Promise<void> => {
      for await (const _ of body) isNew = true;
    };
    void read(stream.body);
    await look("/v1/status");
    const go = async (): Promise<void> => {
      for (;;) {
        await sleep(isNew ? 2000 : 5000);
        isNew = false;
        await look("/v1/status");
      }
    };
    void go();
  };
  const prometheus = async (): Promise<void> => {
    await look("/metrics");
    const go = async (): Promise<void> => {
      for (;;) {
        await sleep(1000);
        await look("/metrics");
      }
    };
    void go();
  };
  void Promise.all([prometheus(), ...Array.from({ length: dashboards }, dashboard)]).then(() => process.send?.("watching"));
});
