import assert from 'node:assert/strict';
import { stopTokens } from './gateway-fixture.ts';
import { type GraphqlFixture, startGraph } from './graphql-fixture.ts';

describe('GraphiQL', function () {
  this.timeout(20_000);
  let graph: GraphqlFixture;
  before(async () => {
    graph = await startGraph({});
  });
  after(async () => {
    await graph.stop();
    await stopTokens();
  });

  for (const path of ['/graphql', '/api/v1/graphql']) {
    it(`is shown to a browser at ${path}, from the gateway’s own files, under a strict policy`, async () => {
      const page = await fetch(graph.url + path, { headers: { accept: 'text/html,*/*' } });
      const html = await page.text();
      assert.equal(page.status, 200);
      const policy = page.headers.get('content-security-policy') ?? '';
      assert.match(policy, /default-src 'none'/);
      assert.match(policy, /script-src 'self'(;|$)/);
      assert.match(policy, /worker-src 'self'(;|$)/);
      assert.doesNotMatch(html, /https?:\/\//);
      assert.doesNotMatch(html, /<script>/);
      const files = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, file = '']) => file);
      assert.deepEqual(
        files.map((file) => file.slice(path.length)),
        ['/assets/graphiql.css', '/assets/setup.js', '/assets/graphiql.js', '/assets/start.js'],
      );
      for (const file of [...files, `${path}/assets/editor.worker.js`, `${path}/assets/graphql.worker.js`]) {
        const asset = await fetch(graph.url + file);
        assert.equal(asset.status, 200, file);
        assert.equal(asset.headers.get('content-encoding'), 'gzip');
        assert.match(asset.headers.get('content-type') ?? '', /^text\/(css|javascript)/);
        assert.ok((await asset.text()).length > 100, file);
      }
    });
  }

  it('opens with examples, and has nothing else to give', async () => {
    const start = await (await fetch(`${graph.url}/graphql/assets/start.js`)).text();
    for (const name of ['Catalog', 'Login', 'Orders', 'Follow']) assert.ok(start.includes(name), name);
    assert.equal((await fetch(`${graph.url}/graphql/assets/other.js`)).status, 404);
  });

  it('gives its files as they are to a client that cannot unzip', async () => {
    const file = `${graph.url}/graphql/assets/graphiql.js`;
    const zipped = await fetch(file);
    const plain = await fetch(file, { headers: { 'accept-encoding': 'identity' } });
    assert.equal(plain.headers.get('content-encoding'), null);
    const text = await plain.text();
    assert.equal(Number(plain.headers.get('content-length')), Buffer.byteLength(text));
    assert.equal(await zipped.text(), text);
  });

  it('is explained by the schema at /docs/schema.graphql, and by a page with examples', async () => {
    const schema = await fetch(`${graph.url}/docs/schema.graphql`);
    assert.match(schema.headers.get('content-type') ?? '', /^text\/plain/);
    assert.match(await schema.text(), /type Query \{/);
    const page = await (await fetch(`${graph.url}/docs/graphql`)).text();
    for (const part of ['query Catalog', 'type Query {', 'aria-current="page">GraphQL'])
      assert.ok(page.includes(part), part);
  });
});
