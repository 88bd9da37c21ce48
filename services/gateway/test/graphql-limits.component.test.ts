import assert from 'node:assert/strict';
import { metricValue, stopTokens } from './gateway-fixture.ts';
import { codesOf, type GraphqlFixture, startGraph } from './graphql-fixture.ts';
import { infoOf, product } from './graphql-world.ts';

const DEPTH = 50;
const MANY = 1_000;
const LOGIN = 'login(input: {email: "a@punctual.test", password: "0123456789"}) { accessToken }';

/** Nests an introspection of types, the one way down that this schema offers without end. */
function nested(depth: number): string {
  return `{ __type(name: "Order") { ${'ofType { '.repeat(depth - 2)}name${' }'.repeat(depth - 2)} } }`;
}

function aliases(count: number, field: string): string {
  return Array.from({ length: count }, (_, index) => `a${index}: ${field}`).join(' ');
}

const fragments = (depth: number) =>
  Array.from({ length: depth }, (_, index) =>
    index === depth - 1
      ? `fragment f${index} on __Type { name }`
      : `fragment f${index} on __Type { ofType { ...f${index + 1} } }`,
  ).join(' ');

/** Room for what is not under test, so that each limit is seen to work alone. */
const AMPLE = { GRAPHQL_MAX_TOKENS: '50000', GRAPHQL_MAX_COST: '100000000', GRAPHQL_MAX_ALIASES: '15' };

describe('the limits of the graph', function () {
  this.timeout(20_000);
  let graph: GraphqlFixture;
  const shop = {
    listProducts: () => ({ products: [product(1)], info: infoOf(1) }),
    login: () => ({ tokens: { accessToken: 'a', refreshToken: 'b', expiresInSeconds: 1 } }),
  };

  afterEach(() => graph?.stop());
  after(stopTokens);

  async function refuses(document: string, limit: string, variables = {}): Promise<void> {
    const answer = await graph.ask(document, { variables });
    assert.deepEqual([answer.status, codesOf(answer)], [400, ['VALIDATION_FAILED']], JSON.stringify(answer.errors));
    const details = answer.errors?.[0]?.extensions.details as { limit?: string } | null;
    assert.equal(details?.limit, limit);
    assert.equal(answer.data, undefined);
    assert.equal(graph.calls.length, 0, 'something was executed');
  }

  it('refuse a document fifty levels deep, in fragments too', async () => {
    graph = await startGraph(shop, AMPLE);
    await refuses(nested(DEPTH), 'depth');
    await refuses(`{ __type(name: "Order") { ...f0 } } ${fragments(DEPTH)}`, 'depth');
    assert.equal(await metricValue(graph.gateway.metrics, 'graphql_operations_total', { outcome: 'refused' }), 2);
    assert.deepEqual(codesOf(await graph.ask(nested(12))), []);
  });

  it('refuse a thousand aliases, in fragments too, and of __typename too', async () => {
    graph = await startGraph(shop, AMPLE);
    const field = 'products { pageInfo { total } }';
    await refuses(`{ ${aliases(MANY, field)} }`, 'aliases');
    await refuses(`{ ${aliases(MANY, '__typename')} }`, 'aliases');
    await refuses(`{ ...many } fragment many on Query { ${aliases(MANY, field)} }`, 'aliases');
    assert.deepEqual(codesOf(await graph.ask(`{ ${aliases(15, field)} }`)), []);
  });

  it('refuse a batch of documents', async () => {
    graph = await startGraph(shop);
    const batch = Array.from({ length: 10 }, () => ({ query: `mutation { ${LOGIN} }` }));
    const response = await fetch(`${graph.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(batch),
    });
    const body = (await response.json()) as { errors: { extensions: { code: string } }[] };
    assert.deepEqual([response.status, body.errors[0]?.extensions.code], [400, 'VALIDATION_FAILED']);
    assert.equal(graph.calls.length, 0, 'something was executed');
  });

  it('refuse many logins in one document', async () => {
    graph = await startGraph(shop);
    await refuses(`mutation { ${aliases(4, LOGIN)} }`, 'mutations');
    await refuses(`mutation { ...many } fragment many on Mutation { ${aliases(4, LOGIN)} }`, 'mutations');
    assert.deepEqual(codesOf(await graph.ask(`mutation { ${aliases(3, LOGIN)} }`)), []);
    assert.equal(graph.count('login'), 3);
  });

  it('refuse too many tokens, directives and costs', async () => {
    graph = await startGraph(shop, { GRAPHQL_MAX_COST: '100' });
    await refuses(`{ products { nodes { ${'id '.repeat(2_000)} } } }`, 'tokens');
    await refuses(`{ products ${'@skip(if: false) '.repeat(21)} { pageInfo { total } } }`, 'directives');
    await refuses('{ products { nodes { id name price currency } } }', 'cost');
    assert.deepEqual(codesOf(await graph.ask('{ products { nodes { id name price } } }')), []);
  });

  it('refuse long lists of many fields, though their length is in a variable and the document is known', async () => {
    graph = await startGraph(shop);
    const list = 'products(limit: $limit) { nodes { id name description price currency quantity } }';
    const document = `query ($limit: Int) { ${aliases(15, list)} }`;
    await refuses(document, 'cost', { limit: 100 });
    assert.equal(await metricValue(graph.gateway.metrics, 'graphql_operations_total', { outcome: 'refused' }), 1);
    assert.deepEqual(codesOf(await graph.ask(document, { variables: { limit: 1 } })), []);
    const calls = graph.calls.length;
    const again = await graph.ask(document, { variables: { limit: 100 } });
    assert.deepEqual([again.status, graph.calls.length], [400, calls]);
  });

  it('refuse a body that is too long, no JSON, or no document', async () => {
    graph = await startGraph(shop, { GRAPHQL_BODY_LIMIT: '2kb' });
    const post = async (body: string | Uint8Array<ArrayBuffer>, type = 'application/json') => {
      const response = await fetch(`${graph.url}/graphql`, { method: 'POST', headers: { 'content-type': type }, body });
      const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
      return [response.status, errors[0]?.extensions.code];
    };
    assert.deepEqual(await post(JSON.stringify({ query: `{ a${' '.repeat(3_000)} }` })), [413, 'PAYLOAD_TOO_LARGE']);
    assert.deepEqual(await post('query={me{id}}', 'application/x-www-form-urlencoded'), [
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ]);
    for (const body of [
      '{',
      '[]',
      '1',
      'null',
      '{}',
      '{"query":""}',
      '{"query":1}',
      '{"query":"{"}',
      '{"query":"{ nothing }"}',
    ]) {
      assert.deepEqual(await post(body), [400, 'VALIDATION_FAILED'], body);
    }
    assert.deepEqual(await post(new Uint8Array([0xff, 0xfe])), [400, 'VALIDATION_FAILED']);
    for (const method of ['PUT', 'DELETE']) {
      const response = await fetch(`${graph.url}/graphql`, { method });
      assert.equal(response.status, 405);
      assert.equal(response.headers.get('allow'), 'GET, POST');
    }
  });

  it('refuse a POST without a body, and parameters of a GET that are no JSON objects', async () => {
    graph = await startGraph(shop);
    const empty = await fetch(`${graph.url}/graphql`, { method: 'POST' });
    const answers = [empty];
    for (const parameters of ['variables=%F1%B5%BE%93', 'variables=[1]', 'variables=5', 'extensions={']) {
      answers.push(await fetch(`${graph.url}/graphql?query={__typename}&${parameters}`));
    }
    for (const answer of answers) {
      const { errors } = (await answer.json()) as { errors: { extensions: { code: string } }[] };
      assert.deepEqual([answer.status, errors[0]?.extensions.code], [400, 'VALIDATION_FAILED'], answer.url);
    }
    const good = await fetch(`${graph.url}/graphql?query={__typename}&variables={}`);
    assert.deepEqual([good.status, await good.json()], [200, { data: { __typename: 'Query' } }]);
  });

  it('refuse text that cannot be stored, in variables and in the document', async () => {
    graph = await startGraph(shop);
    const query = 'query ($q: String) { products(q: $q) { pageInfo { total } } }';
    for (const q of ['a\0b', 'a\ud800b']) {
      const answer = await graph.ask(query, { variables: { q } });
      assert.deepEqual([answer.status, codesOf(answer)], [400, ['VALIDATION_FAILED']]);
    }
    for (const q of ['a\\u0000b', 'a\\ud800b']) {
      const answer = await graph.ask(`{ products(q: "${q}") { pageInfo { total } } }`);
      assert.deepEqual([answer.status, codesOf(answer)], [400, ['VALIDATION_FAILED']], JSON.stringify(answer));
    }
    assert.equal(graph.calls.length, 0);
  });

  it('refuse variables that are nested deeply', async () => {
    graph = await startGraph(shop);
    const nest = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    const post = async (levels: number) => {
      const response = await fetch(`${graph.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: `{"query":"{ __typename }","variables":{"a":${nest(levels)}}}`,
      });
      const { errors } = (await response.json()) as { errors?: { extensions: { details: unknown } }[] };
      return [response.status, errors?.[0]?.extensions.details];
    };
    assert.deepEqual(await post(30), [200, undefined]);
    assert.deepEqual(await post(45_000), [400, [{ field: 'variables', message: 'is nested too deeply' }]]);
  });

  it('let the schema be asked for, and hide it when told to', async () => {
    graph = await startGraph(shop);
    const query = '{ __schema { queryType { name } } }';
    assert.deepEqual((await graph.ask(query)).data, { __schema: { queryType: { name: 'Query' } } });
    await graph.stop();
    for (const env of [{ NODE_ENV: 'production' }, { GRAPHQL_INTROSPECTION: 'false' }]) {
      graph = await startGraph(shop, env as Record<string, string>);
      const hidden = await graph.ask(query);
      assert.deepEqual([hidden.status, new Set(codesOf(hidden))], [400, new Set(['VALIDATION_FAILED'])]);
      for (const guess of [
        '{ product { pric } }',
        '{ products(sort: PRIC) { pageInfo { total } } }',
        'query ($guess: ProductSort) { products(sort: $guess) { pageInfo { total } } }',
      ]) {
        const answer = await graph.ask(guess, { variables: { guess: 'PRIC' } });
        assert.deepEqual([answer.status, new Set(codesOf(answer))], [400, new Set(['VALIDATION_FAILED'])]);
        assert.doesNotMatch(JSON.stringify(answer), /Did you mean/);
      }
      await graph.stop();
    }
  });

  it('count operations against a bucket of their own', async () => {
    const graphql = { perSecond: 0.001, burst: 2 };
    graph = await startGraph(shop, { RATE_LIMIT_SERVICES: JSON.stringify({ graphql }) });
    const query = '{ products { pageInfo { total } } }';
    assert.equal((await graph.ask(query)).headers.get('ratelimit-policy'), '"graphql";q=2;w=2000');
    await graph.ask(query);
    const refused = await graph.ask(query);
    assert.deepEqual([refused.status, codesOf(refused)], [429, ['RATE_LIMITED']]);
    assert.ok(Number(refused.headers.get('retry-after')) > 0);
    assert.equal(graph.count('listProducts'), 2);
    assert.equal(await metricValue(graph.gateway.metrics, 'gateway_rate_limited_total', { upstream: 'graphql' }), 1);
  });

  it('refuse at once what is beyond the operations under way', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    graph = await startGraph(
      {
        async listProducts() {
          reached.resolve();
          await promise;
          return { products: [], info: infoOf(0) };
        },
      },
      { MAX_IN_FLIGHT: '1' },
    );
    const query = '{ products { pageInfo { total } } }';
    const slow = graph.ask(query);
    await reached.promise;
    const refused = await graph.ask(query);
    assert.deepEqual([refused.status, codesOf(refused)], [503, ['UNAVAILABLE']]);
    assert.ok(refused.headers.get('retry-after'));
    resolve();
    assert.equal((await slow).status, 200);
  });
});
