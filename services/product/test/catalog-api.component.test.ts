import assert from 'node:assert/strict';
import { one } from '@punctual/postgres';
import { eventually } from '@punctual/testing';
import { type Answer, type ProductService, startProductService } from './product-service.ts';

const lamp = { name: 'Reading Lamp', description: 'Warm light', price: '54.50', quantity: 7 };

describe('the catalog over HTTP', function () {
  this.timeout(60_000);
  let service: ProductService;

  before(async () => {
    service = await startProductService('product_api');
  });
  after(async () => {
    await service.stop();
  });

  const create = async (body: object = {}): Promise<Answer> => {
    const answer = await service.call('POST', '/products', { body: { ...lamp, ...body } });
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return answer;
  };
  const ifMatch = (version: number) => ({ headers: { 'if-match': `"${version}"` } });

  it('is ready once its servers answer', async () => {
    await eventually(async () => {
      const answer = await service.call('GET', '/health/ready', { as: 'nobody' });
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
    });
  });

  it('creates a product, shows it to anyone at once, and announces it on Kafka', async () => {
    const { headers, body } = await create();
    const { id } = body.data;
    assert.deepEqual(body.data, {
      id,
      name: 'Reading Lamp',
      description: 'Warm light',
      price: '54.50',
      currency: 'USD',
      quantity: 7,
      version: 1,
      created_at: body.data.created_at,
      updated_at: body.data.created_at,
    });
    assert.equal(headers.get('etag'), '"1"');
    assert.equal(headers.get('location'), `/products/${id}`);
    const read = await service.call('GET', `/products/${id}`, { as: 'nobody' });
    assert.deepEqual([read.status, read.body.data, read.headers.get('etag')], [200, body.data, '"1"']);
    await eventually(() => {
      const event = service.received.find(({ type, subject }) => type === 'product.created' && subject === String(id));
      assert.equal(event?.source, '/product');
      assert.equal(event.data.price_minor, 5_450);
      assert.equal(event.data.available, 7);
    });
  });

  it('changes, replaces and deletes a product step by step, each step on the version before it', async () => {
    const { id } = (await create()).body.data;
    const changed = await service.call('PATCH', `/products/${id}`, { body: { price: 49.9 }, ...ifMatch(1) });
    assert.deepEqual([changed.status, changed.body.data.price, changed.headers.get('etag')], [200, '49.90', '"2"']);
    const entry = { name: 'Desk Lamp', description: '', price: '0', currency: 'EUR' };
    const replaced = await service.call('PUT', `/products/${id}`, { body: entry, headers: { 'if-match': 'W/"2"' } });
    assert.deepEqual([replaced.status, replaced.body.data.name, replaced.body.data.price], [200, 'Desk Lamp', '0.00']);
    const same = await service.call('PUT', `/products/${id}`, { body: entry, ...ifMatch(3) });
    assert.equal(same.headers.get('etag'), '"3"');
    const stocked = await service.call('POST', `/products/${id}/stock`, { body: { change: -2, reason: 'broken' } });
    assert.deepEqual([stocked.status, stocked.body.data.quantity, stocked.body.data.version], [200, 5, 4]);
    assert.equal((await service.call('DELETE', `/products/${id}`, ifMatch(3))).status, 409);
    const deleted = await service.call('DELETE', `/products/${id}`, ifMatch(4));
    assert.deepEqual([deleted.status, deleted.body], [204, undefined]);
    for (const method of ['GET', 'DELETE']) {
      const gone = await service.call(method, `/products/${id}`, ifMatch(5));
      assert.deepEqual([gone.status, gone.body.error.code, gone.body.error.details.id], [404, 'NOT_FOUND', id]);
    }

    const stream = await service.call('GET', `/products/${id}/events?limit=2&page=2`);
    assert.equal(stream.body.paging.total_items, 5);
    assert.deepEqual(
      stream.body.data.map((event: Record<string, unknown>) => [event.version, event.type, event.actor, event.data]),
      [
        [3, 'product.changed', 'user:1', { name: 'Desk Lamp', description: '', price: '0.00', currency: 'EUR' }],
        [4, 'stock.adjusted', 'user:1', { change: -2, reason: 'broken' }],
      ],
    );
    await eventually(() => {
      const types = service.received.filter(({ subject }) => subject === String(id)).map(({ type }) => type);
      assert.deepEqual(types, [
        'product.created',
        'product.updated',
        'product.updated',
        'product.updated',
        'product.deleted',
      ]);
    });
  });

  it('refuses a change of an outdated version and tells the current one', async () => {
    const { id } = (await create()).body.data;
    await service.call('PATCH', `/products/${id}`, { body: { name: 'First' }, ...ifMatch(1) });
    const late = await service.call('PATCH', `/products/${id}`, { body: { name: 'Second' }, ...ifMatch(1) });
    assert.deepEqual([late.status, late.body.error.code], [409, 'VERSION_CONFLICT']);
    assert.equal(late.body.error.details.current_version, 2);
    const forced = await service.call('PATCH', `/products/${id}`, {
      body: { name: 'Second' },
      headers: { 'if-match': '*' },
    });
    assert.equal(forced.body.data.version, 3);
  });

  it('lets one of twenty admins change a product at a time', async () => {
    const { id } = (await create()).body.data;
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        service.call('PATCH', `/products/${id}`, { body: { name: `N ${n}` }, ...ifMatch(1) }),
      ),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array.from({ length: 19 }, () => 409)]);
  });

  it('answers the whole product to a client whose version is still the one: its quantity may have moved', async () => {
    const { id } = (await create()).body.data;
    const headers = { 'if-none-match': '"1"', 'cache-control': 'max-age=0' };
    const answer = await service.call('GET', `/products/${id}`, { headers });
    assert.deepEqual([answer.status, answer.body.data.id], [200, id]);
  });

  it('takes no more stock away than there is', async () => {
    const { id } = (await create({ quantity: 3 })).body.data;
    const answer = await service.call('POST', `/products/${id}/stock`, { body: { change: -4, reason: 'lost' } });
    assert.deepEqual([answer.status, answer.body.error.code], [409, 'OUT_OF_STOCK']);
    assert.equal(answer.body.error.details.available, 3);
    const most = { change: 1_000_000_000, reason: 'typo' };
    await service.db.primary.raw('UPDATE products SET stocked = 999999999999 WHERE id = ?', [id]);
    const limit = await service.call('POST', `/products/${id}/stock`, { body: most });
    assert.deepEqual([limit.status, limit.body.error.details[0]?.field], [400, 'change']);
  });

  it('lets anyone read, customers change nothing, and nobody else in', async () => {
    const { id } = (await create()).body.data;
    const writes: [string, string, object?][] = [
      ['POST', '/products', lamp],
      ['PUT', `/products/${id}`, { name: 'X', description: '', price: 1, currency: 'USD' }],
      ['PATCH', `/products/${id}`, { name: 'X' }],
      ['DELETE', `/products/${id}`],
      ['POST', `/products/${id}/stock`, { change: 1, reason: 'x' }],
      ['GET', `/products/${id}/events`],
    ];
    for (const [method, path, body] of writes) {
      const sent = { ...(body === undefined ? {} : { body }), ...ifMatch(1) };
      assert.equal((await service.call(method, path, { ...sent, as: 'customer' })).status, 403, `${method} ${path}`);
      assert.equal((await service.call(method, path, { ...sent, as: 'nobody' })).status, 401, `${method} ${path}`);
    }
    assert.equal((await service.call('GET', `/products/${id}`, { as: 'nobody' })).body.data.version, 1);
  });

  it('refuses bad input with the field named, and writes nothing', async () => {
    const { id } = (await create()).body.data;
    const count = () => one<{ n: number }>(service.db.primary, 'SELECT count(*) AS n FROM product_events');
    const before = await count();
    const post = (body: object | string): [string, string, object] => [
      'POST',
      '/products',
      typeof body === 'string' ? { rawBody: body } : { body: { ...lamp, ...body } },
    ];
    const cases: [request: [string, string, object?], status: number, field?: string][] = [
      [post({ colour: 'red' }), 400, 'colour'],
      [post({ name: '' }), 400, 'name'],
      [post({ name: 'x'.repeat(201) }), 400, 'name'],
      [post({ name: 'a\u0000b' }), 400, 'name'],
      [post({ name: 5 }), 400, 'name'],
      [post({ price: '12.345' }), 400, 'price'],
      [post({ price: -1 }), 400, 'price'],
      [post({ price: 1e21 }), 400, 'price'],
      [post({ currency: 'usd' }), 400, 'currency'],
      [post({ quantity: -1 }), 400, 'quantity'],
      [post({ quantity: 1.5 }), 400, 'quantity'],
      [post({ quantity: 1e15 }), 400, 'quantity'],
      [post({ quantity: '5' }), 400, 'quantity'],
      [post('{"name": "x", "price": 1, "quantity": 1e309}'), 400, 'quantity'],
      [post('{"name": '), 400],
      [post('[]'), 400],
      [post(`{"name": "\\ud800", "price": 1}`), 400, 'name'],
      [post({ description: 'x'.repeat(1_000_001) }), 413],
      [
        ['POST', '/products', { rawBody: 'name=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
        415,
      ],
      [['PATCH', `/products/${id}`, { body: {}, ...ifMatch(1) }], 400],
      [['PATCH', `/products/${id}`, { body: { name: 'X' } }], 428],
      [['PATCH', `/products/${id}`, { body: { name: 'X' }, headers: { 'if-match': 'three' } }], 400, 'If-Match'],
      [['PUT', `/products/${id}`, { body: { name: 'X' }, ...ifMatch(1) }], 400, 'description'],
      [['PUT', `/products/${id}`, { body: { name: 'X', description: '', price: 1, currency: 'USD' } }], 428],
      [['DELETE', `/products/${id}`], 428],
      [['DELETE', '/products/999999', ifMatch(1)], 404],
      [['POST', `/products/${id}/stock`, { body: { change: 0, reason: 'x' } }], 400, 'change'],
      [['POST', `/products/${id}/stock`, { body: { change: 1 } }], 400, 'reason'],
      [['POST', '/products/999999/stock', { body: { change: 1, reason: 'x' } }], 404],
      [['GET', '/products/0'], 400, 'id'],
      [['GET', '/products/1e3'], 400, 'id'],
      [['GET', '/products/9007199254740993'], 400, 'id'],
      [['GET', '/products/999999'], 404],
      [['GET', '/products/999999/events'], 404],
      [['GET', '/products/%E0'], 400],
      [['GET', '/products?sort=price;drop table products'], 400, 'sort'],
      [['GET', '/products?page=0'], 400, 'page'],
      [['GET', '/products?limit=101'], 400, 'limit'],
      [['GET', '/products?page=1&page=2'], 400, 'page'],
      [['GET', '/products?min_price=5&max_price=4'], 400, 'max_price'],
      [['GET', '/products?min_price=cheap'], 400, 'min_price'],
      [['GET', '/products?in_stock=maybe'], 400, 'in_stock'],
      [['GET', '/products?q=%00'], 400, 'q'],
      [['GET', `/products?q=${'x'.repeat(201)}`], 400, 'q'],
      [['GET', '/products?__proto__=1'], 400],
      [['GET', '/nothing'], 404],
      [['PUT', '/products'], 405],
      [['POST', `/products/${id}`], 405],
    ];
    for (const [[method, path, options], status, field] of cases) {
      const answer = await service.call(method, path, options ?? {});
      const what = `${method} ${path.slice(0, 60)} ${JSON.stringify(options ?? {}).slice(0, 100)}`;
      assert.equal(answer.status, status, `${what}: ${JSON.stringify(answer.body)}`);
      assert.ok(answer.body.error.request_id, what);
      if (field !== undefined) {
        const fields = answer.body.error.details.map((detail: { field: string }) => detail.field);
        assert.ok(fields.includes(field), `${what}: ${fields}`);
      }
      if (status === 405) assert.ok(answer.headers.get('allow'), what);
    }
    assert.deepEqual(await count(), before);
  });
});
