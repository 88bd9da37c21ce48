import assert from 'node:assert/strict';
import fc from 'fast-check';
import { startTestApp, type TestApp } from '../test/app-fixture.ts';

const runs = { numRuns: 200 };

describe('whatever is sent', function () {
  this.timeout(180_000);
  let app: TestApp;
  before(async () => {
    app = await startTestApp();
  });
  after(() => app.server.stop());

  async function assertAnswered(response: Response): Promise<void> {
    assert.ok(response.status < 500, `${response.status}`);
    const body: unknown = await response.json();
    assert.ok(typeof body === 'object' && body !== null);
    assert.ok(response.ok ? 'data' in body : 'error' in body);
  }

  const post = (body: string | Uint8Array<ArrayBuffer>) =>
    fetch(`${app.url}/things`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });

  it('as a JSON value is accepted or refused, never a failure of ours', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), async (text) => assertAnswered(await post(text))),
      runs,
    );
  });

  it('as something like an order is accepted or refused, never a failure of ours', async () => {
    const odd = fc.oneof(fc.string({ unit: 'binary' }), fc.double(), fc.integer(), fc.jsonValue());
    const body = fc.record(
      {
        name: odd,
        items: fc.oneof(odd, fc.array(fc.record({ product_id: odd, quantity: odd }, { requiredKeys: [] }))),
        note: fc.jsonValue({ stringUnit: 'binary' }),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(body, async (value) => assertAnswered(await post(JSON.stringify(value)))),
      runs,
    );
  });

  it('as bytes is refused, never a failure of ours', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        await assertAnswered(await post(Uint8Array.from(bytes)));
      }),
      runs,
    );
  });

  it('as a path and a query is answered, never a failure of ours', async () => {
    const piece = fc.oneof(fc.webSegment(), fc.constantFrom('%', '%00', '%E0', '..', '%2e', '__proto__', '1'));
    await fc.assert(
      fc.asyncProperty(piece, fc.webQueryParameters(), piece, async (segment, query, raw) => {
        await assertAnswered(await fetch(`${app.url}/things/${segment}?${query}&q=${raw}`));
      }),
      runs,
    );
  });

  it('what is accepted holds no text that could not be stored', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.constantFrom('a', '\0', '\ud800', '\udc00', '\\', '"', 'é') }),
        async (name) => {
          // JSON.stringify writes lone surrogates as escapes, as an attacker would.
          const response = await post(JSON.stringify({ name, items: [] }));
          assert.equal(response.status, name.includes('\0') || !name.isWellFormed() ? 400 : 201);
          await response.body?.cancel();
        },
      ),
      runs,
    );
  });
});
