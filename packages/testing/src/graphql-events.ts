/** A client of GraphQL over SSE in its distinct connections mode, reading one event at a time. */
export type GraphqlEvents = {
  readonly status: number;
  /** The data of the next event, without the name of its only field; undefined when the stream was completed. */
  next(): Promise<unknown>;
  /** The next event as it came. */
  nextRaw(): Promise<RawEvent | undefined>;
  errorCode(event: RawEvent | undefined): string | undefined;
  close(): void;
};

type RawEvent = { data?: Readonly<Record<string, unknown>> | null; errors?: { extensions: { code: string } }[] };

export async function openGraphqlEvents(
  url: string,
  { query, variables, token }: { query: string; variables: object; token?: string },
): Promise<GraphqlEvents> {
  const leaving = new AbortController();
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
    signal: leaving.signal,
  });
  const messages = response.body === null ? undefined : messagesOf(response.body);

  async function nextRaw(): Promise<RawEvent | undefined> {
    const result = await messages?.next();
    if (result === undefined || result.done) return undefined;
    if (!response.headers.get('content-type')?.startsWith('text/event-stream')) return JSON.parse(result.value);
    const fields = new Map(
      result.value.split('\n').map((line) => [line.split(':', 1)[0], line.replace(/^\w+: ?/, '')]),
    );
    return fields.get('event') === 'next' ? JSON.parse(fields.get('data') ?? '') : undefined;
  }

  return {
    status: response.status,
    nextRaw,
    async next() {
      const event = await nextRaw();
      if (event?.errors !== undefined) throw new Error(JSON.stringify(event.errors));
      return Object.values(event?.data ?? {})[0];
    },
    errorCode: (event) => event?.errors?.[0]?.extensions.code,
    close: () => leaving.abort(),
  };
}

/** Events without the comments that keep the connection alive. A body that is no stream of events is one message. */
async function* messagesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let buffered = '';
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    buffered += decoder.decode(chunk, { stream: true });
    for (let end = buffered.indexOf('\n\n'); end !== -1; end = buffered.indexOf('\n\n')) {
      const message = buffered.slice(0, end);
      buffered = buffered.slice(end + 2);
      if (!message.startsWith(':')) yield message;
    }
  }
  if (buffered !== '') yield buffered;
}
