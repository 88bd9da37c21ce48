/** A catalog small enough to know, and what a search of it answers; the same for both engines where they promise the same. */
import assert from 'node:assert/strict';
import type { productApi } from '@punctual/contracts';
import type { ProductService } from './product-service.ts';

export const CATALOG = [
  { name: 'Travel Laptop', description: 'thin and light, 14 inch', price: '899.00', quantity: 4 },
  { name: 'Laptop Stand', description: 'of bent walnut', price: '45.00', quantity: 0 },
  { name: 'Walnut Desk', description: 'for a laptop and a lamp', price: '649.00', quantity: 12 },
  {
    name: '<img src=x onerror=alert(1)> Poster',
    description: 'a "quoted" & <b>bold</b> print',
    price: '9.00',
    quantity: 3,
  },
  { name: 'Zebra Rug', description: 'soft', price: '150.00', quantity: 1 },
] as const;

export type SearchAnswer = {
  status: number;
  engine: string | null;
  data: productApi.FoundProduct[];
  names: string[];
  facets: productApi.Facets;
  total: number;
};

export async function fillCatalog(service: ProductService): Promise<number[]> {
  const ids: number[] = [];
  for (const body of CATALOG) {
    const created = await service.call('POST', '/products', { body });
    assert.equal(created.status, 201, JSON.stringify(created.body));
    ids.push(created.body.data.id);
  }
  return ids;
}

export async function search(service: ProductService, query: Record<string, string>): Promise<SearchAnswer> {
  const response = await fetch(`${service.url}/products/search?${new URLSearchParams(query)}`);
  const body = (await response.json()) as {
    data: productApi.FoundProduct[];
    facets: productApi.Facets;
    paging: { total_items: number };
  };
  assert.equal(response.status, 200, JSON.stringify(body));
  return {
    status: response.status,
    engine: response.headers.get('search-engine'),
    data: body.data,
    names: body.data.map(({ name }) => name),
    facets: body.facets,
    total: body.paging.total_items,
  };
}

export async function suggest(service: ProductService, q: string): Promise<{ engine: string | null; names: string[] }> {
  const response = await fetch(`${service.url}/products/suggest?${new URLSearchParams({ q })}`);
  const body = (await response.json()) as { data: productApi.Suggestion[] };
  assert.equal(response.status, 200, JSON.stringify(body));
  return { engine: response.headers.get('search-engine'), names: body.data.map(({ name }) => name) };
}

/** Declares the tests of what both engines answer alike. */
export function searchesAlike(serviceOf: () => ProductService, engine: productApi.SearchEngine): void {
  it('finds words with typing errors, in the name before the description', async () => {
    const found = await search(serviceOf(), { q: 'lapotp' });
    assert.equal(found.engine, engine);
    assert.deepEqual(found.names.slice().sort(), ['Laptop Stand', 'Travel Laptop', 'Walnut Desk']);
    assert.equal(found.names.at(-1), 'Walnut Desk');
    assert.deepEqual((await search(serviceOf(), { q: 'wallnut dsek' })).names[0], 'Walnut Desk');
    assert.deepEqual((await search(serviceOf(), { q: 'quetzalcoatl' })).names, []);
  });

  it('finds words that are spread over name and description', async () => {
    const { names } = await search(serviceOf(), { q: 'laptop walnut' });
    assert.deepEqual(names.slice().sort(), ['Laptop Stand', 'Walnut Desk']);
  });

  it('marks what matched, and escapes the rest', async () => {
    const [poster] = (await search(serviceOf(), { q: 'poster' })).data;
    assert.equal(poster?.name, '<img src=x onerror=alert(1)> Poster');
    assert.match(poster.highlight.name, /^&lt;img src=x onerror=alert\(1\)&gt; <em>Poster<\/em>$/);
    assert.equal(
      poster.highlight.description.replaceAll('&#x2F;', '/').replaceAll('&#39;', "'"),
      'a &quot;quoted&quot; &amp; &lt;b&gt;bold&lt;/b&gt; print',
    );
    const [stand] = (await search(serviceOf(), { q: 'walnut', max_price: '50' })).data;
    assert.deepEqual(stand?.highlight, { name: 'Laptop Stand', description: 'of bent <em>walnut</em>' });
  });

  it('counts each facet under all filters but its own', async () => {
    const { facets, names, total } = await search(serviceOf(), { q: 'laptop', min_price: '100', in_stock: 'true' });
    assert.deepEqual(names.slice().sort(), ['Travel Laptop', 'Walnut Desk']);
    assert.equal(total, 2);
    assert.deepEqual(facets.stock, { in_stock: 2, out_of_stock: 0 });
    assert.deepEqual(facets.price_ranges, [
      { from: null, to: '10.00', count: 0 },
      { from: '10.00', to: '50.00', count: 0 },
      { from: '50.00', to: '100.00', count: 0 },
      { from: '100.00', to: '500.00', count: 0 },
      { from: '500.00', to: '1000.00', count: 2 },
      { from: '1000.00', to: null, count: 0 },
    ]);
    const without = await search(serviceOf(), { q: 'laptop', in_stock: 'false' });
    assert.deepEqual(without.names, ['Laptop Stand']);
    assert.deepEqual(without.facets.stock, { in_stock: 2, out_of_stock: 1 });
  });

  it('sorts by every field, both ways, and pages without repeating or missing a product', async () => {
    const sorted = async (sort: string) => (await search(serviceOf(), { sort })).names;
    const poster = CATALOG[3].name;
    assert.deepEqual(await sorted('price'), [poster, 'Laptop Stand', 'Zebra Rug', 'Walnut Desk', 'Travel Laptop']);
    assert.deepEqual((await sorted('-quantity'))[0], 'Walnut Desk');
    assert.deepEqual((await sorted('-created_at'))[0], 'Zebra Rug');
    assert.deepEqual((await sorted('-name')).slice(0, 2), ['Zebra Rug', 'Walnut Desk']);
    const pages: string[] = [];
    for (const page of ['1', '2', '3']) {
      pages.push(...(await search(serviceOf(), { sort: 'price', limit: '2', page })).names);
    }
    assert.deepEqual(pages, await sorted('price'));
  });

  it('finds everything when asked for nothing, and takes signs for signs', async () => {
    assert.equal((await search(serviceOf(), {})).total, CATALOG.length);
    for (const q of ["';--", '%_', '(a+)+$', '* OR *', '{"match_all":{}}']) await search(serviceOf(), { q });
    for (const q of ["';--", '%_', '***']) {
      assert.equal((await search(serviceOf(), { q })).total, CATALOG.length, q);
    }
  });

  it('refuses what cannot be asked', async () => {
    for (const query of [
      'page=101&limit=100',
      'sort=-relevance',
      'sort=password',
      'min_price=2&max_price=1',
      'fuzzy=1',
    ]) {
      const response = await fetch(`${serviceOf().url}/products/search?${query}`);
      assert.equal(response.status, 400, query);
    }
    assert.equal((await fetch(`${serviceOf().url}/products/suggest`)).status, 400);
  });

  it('suggests names that what was typed may become, also with a typing error', async () => {
    const begun = await suggest(serviceOf(), 'lap');
    assert.equal(begun.engine, engine);
    assert.deepEqual(begun.names.slice().sort(), ['Laptop Stand', 'Travel Laptop']);
    assert.equal(begun.names[0], 'Laptop Stand');
    assert.deepEqual((await suggest(serviceOf(), 'walnut d')).names, ['Walnut Desk']);
    assert.ok((await suggest(serviceOf(), 'lapotp')).names.includes('Laptop Stand'));
    assert.deepEqual((await suggest(serviceOf(), 'xyzzyx')).names, []);
  });
}
