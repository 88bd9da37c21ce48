import assert from 'node:assert/strict';
import { eventually } from '@punctual/testing';
import { type ProductService, startProductService } from './product-service.ts';

const PRODUCTS = [
  { name: 'Oak Table', description: 'seats six', price: '300.00', quantity: 2 },
  { name: 'oak chair', description: 'matches the table', price: '80.00', quantity: 0 },
  { name: 'Lamp 100% LED', description: 'under_score and back\\slash', price: '80.00', quantity: 9 },
  { name: 'Lamp 100 LED', description: "it's; -- DROP TABLE products", price: '20.00', quantity: 5 },
  { name: 'Zebra Rug', description: 'ÄRMEL-weiß', price: '150.00', quantity: 1 },
];

describe('searching the catalog', function () {
  this.timeout(60_000);
  let service: ProductService;

  before(async () => {
    service = await startProductService('product_search');
    for (const body of PRODUCTS) {
      assert.equal((await service.call('POST', '/products', { body })).status, 201);
    }
    const gone = await service.call('POST', '/products', { body: { name: 'Oak Ghost', price: 1 } });
    await service.call('DELETE', `/products/${gone.body.data.id}`, { headers: { 'if-match': '"1"' } });
    // Lists are read from the replica, which may be behind.
    await eventually(async () => assert.deepEqual((await search({})).length, PRODUCTS.length));
  });
  after(async () => {
    await service.stop();
  });

  async function search(query: Record<string, string>): Promise<string[]> {
    const answer = await service.call('GET', `/products?${new URLSearchParams(query)}`, { as: 'nobody' });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.equal(answer.body.paging.total_items >= answer.body.data.length, true);
    return answer.body.data.map((product: { name: string }) => product.name);
  }

  const cases: [what: string, query: Record<string, string>, names: string[]][] = [
    [
      'text in name or description, whatever the case',
      { q: 'TABLE', sort: 'name' },
      ['Lamp 100 LED', 'Oak Table', 'oak chair'],
    ],
    ['text in the name alone', { name: 'table' }, ['Oak Table']],
    ['text in the description alone', { description: 'table', sort: 'price' }, ['Lamp 100 LED', 'oak chair']],
    ['letters beyond ASCII', { q: 'ärmel' }, ['Zebra Rug']],
    ['a percent sign as itself', { q: '0%' }, ['Lamp 100% LED']],
    ['an underscore as itself', { q: 'r_s' }, ['Lamp 100% LED']],
    ['a backslash as itself', { q: 'k\\s' }, ['Lamp 100% LED']],
    ['a wildcard pattern as nothing but text', { q: '%_' }, []],
    ['a quote and a comment as text', { q: "'s; --" }, ['Lamp 100 LED']],
    ['a pattern for a regular expression as text', { q: '(a+)+$' }, []],
    ['a question mark and a colon as text', { q: '?:name' }, []],
    [
      'prices within both bounds',
      { min_price: '80', max_price: '150.00', sort: 'price' },
      ['oak chair', 'Lamp 100% LED', 'Zebra Rug'],
    ],
    ['what is in stock', { in_stock: 'true', q: 'oak' }, ['Oak Table']],
    ['what is not in stock', { in_stock: 'false' }, ['oak chair']],
    [
      'by price descending, equal ones by id',
      { sort: '-price', max_price: '100' },
      ['Lamp 100% LED', 'oak chair', 'Lamp 100 LED'],
    ],
    ['by quantity', { sort: '-quantity', limit: '2' }, ['Lamp 100% LED', 'Lamp 100 LED']],
    ['by creation, newest first', { sort: '-created_at', limit: '1' }, ['Zebra Rug']],
    [
      'all filters together',
      { q: 'lamp', name: '100', description: 'drop', min_price: '1', max_price: '50', in_stock: 'true' },
      ['Lamp 100 LED'],
    ],
  ];
  for (const [what, query, names] of cases) {
    it(`finds ${what}`, async () => {
      assert.deepEqual(await search(query), names);
    });
  }

  it('pages without repeating or missing a product, with links to all pages', async () => {
    const seen: string[] = [];
    for (let page = 1; page <= 3; page += 1)
      seen.push(...(await search({ sort: 'price', limit: '2', page: String(page) })));
    assert.equal(new Set(seen).size, PRODUCTS.length);
    const { body } = await service.call('GET', '/products?sort=price&limit=2&page=2', {
      headers: { 'x-forwarded-base': 'http://shop.test/api/v1' },
    });
    assert.deepEqual(body.paging, {
      page: 2,
      limit: 2,
      total_items: 5,
      total_is_exact: true,
      total_pages: 3,
      links: {
        self: 'http://shop.test/api/v1/products?sort=price&limit=2&page=2',
        first: 'http://shop.test/api/v1/products?sort=price&limit=2&page=1',
        prev: 'http://shop.test/api/v1/products?sort=price&limit=2&page=1',
        next: 'http://shop.test/api/v1/products?sort=price&limit=2&page=3',
        last: 'http://shop.test/api/v1/products?sort=price&limit=2&page=3',
      },
    });
    assert.deepEqual(await search({ page: '10000' }), []);
  });
});
