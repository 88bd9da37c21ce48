import assert from 'node:assert/strict';
import type { Call } from '@punctual/grpc';
import { eventually } from '@punctual/testing';
import { stopTokens } from './gateway-fixture.ts';
import { type GraphqlFixture, startGraph, tokenOf } from './graphql-fixture.ts';
import { infoOf, order } from './graphql-world.ts';

/** Many more than the timers that come and go meanwhile. */
const CLIENTS = 40;
const QUERY = '{ products { pageInfo { total } } }';
const SUBSCRIPTION = 'subscription { orderStatusChanged(id: 5) { status } }';

describe('a client of the graph that is gone before its stream of events has begun', function () {
  this.timeout(60_000);
  let graph: GraphqlFixture;
  let asked: number;
  let answering: PromiseWithResolvers<void>;

  beforeEach(() => {
    asked = 0;
    answering = Promise.withResolvers();
  });
  afterEach(() => graph?.stop());
  after(stopTokens);

  async function start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const slow = (answer: object) => async () => {
      asked += 1;
      await answering.promise;
      return answer;
    };
    const play = { listProducts: slow({ products: [], info: infoOf(0) }), getOrder: slow({ order: order(5) }) };
    graph = await startGraph(play, { RATE_LIMIT_BURST: '1000', ...env });
  }

  function subscribe(query: string, token: string, signal: AbortSignal | null = null): Promise<Response> {
    return fetch(`${graph.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: `Bearer ${token}`,
      },
      body: JSON.stringify({ query }),
      signal,
    });
  }

  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

  async function endsEveryTimer(before: number): Promise<void> {
    await eventually(() => assert.ok(timers() < before + CLIENTS / 2, `${timers()} timers, ${before} before`), {
      timeoutMs: 20_000,
    });
  }

  for (const query of [QUERY, SUBSCRIPTION]) {
    it(`leaves nothing behind: ${query}`, async () => {
      await start({ GRAPHQL_SUBSCRIPTIONS_PER_CLIENT: String(CLIENTS) });
      const token = await tokenOf(7);
      const before = timers();
      const leaving = new AbortController();
      const asking = Array.from({ length: CLIENTS }, () => subscribe(query, token, leaving.signal));
      await eventually(() => assert.equal(asked, CLIENTS));
      leaving.abort();
      await Promise.allSettled(asking);
      answering.resolve();
      await endsEveryTimer(before);
    });
  }

  it('takes its calls with it, so that no service works for nobody', async () => {
    const left = Promise.withResolvers<void>();
    const listProducts = async (_request: unknown, { signal }: Call) => {
      asked += 1;
      signal.addEventListener('abort', () => left.resolve());
      await answering.promise;
      return { products: [], info: infoOf(0) };
    };
    graph = await startGraph({ listProducts });
    const leaving = new AbortController();
    const asking = subscribe(QUERY, await tokenOf(7), leaving.signal);
    await eventually(() => assert.equal(asked, 1));
    leaving.abort();
    await assert.rejects(asking);
    await left.promise;
    answering.resolve();
  });

  it('leaves nothing behind when its time is up', async () => {
    await start({ GRAPHQL_TIMEOUT: '500ms' });
    const token = await tokenOf(7);
    const before = timers();
    const answers = await Promise.all(Array.from({ length: CLIENTS }, () => subscribe(QUERY, token)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([504]));
    answering.resolve();
    await endsEveryTimer(before);
  });
});
