import assert from 'node:assert/strict';
import { createRouteTable, routesSchema } from './route-table.ts';

describe('the route table', () => {
  const table = createRouteTable([
    { prefixes: ['/auth', '/users', '/.well-known'], value: 'auth' },
    { prefixes: ['/products'], value: 'product' },
    { prefixes: ['/products/search'], value: 'search' },
  ]);
  const find = (path: string): string | undefined => table.find(path.slice(1).split('/'));

  it('finds who owns a path by whole segments', () => {
    assert.equal(find('/auth/login'), 'auth');
    assert.equal(find('/.well-known/jwks.json'), 'auth');
    assert.equal(find('/products'), 'product');
    assert.equal(find('/productsheet'), undefined);
    assert.equal(find('/Products'), undefined);
    assert.equal(find('/'), undefined);
    assert.equal(find('/constructor'), undefined);
  });

  it('prefers the longest prefix', () => {
    assert.equal(find('/products/search/5'), 'search');
    assert.equal(find('/products/5'), 'product');
  });

  it('is refused when it would be ambiguous, reach elsewhere or name addresses, which discovery knows', () => {
    const route = { name: 'order', prefixes: ['/orders'] };
    assert.ok(routesSchema.safeParse([route]).success);
    const bad = [
      [],
      [route, route],
      [route, { ...route, name: 'other' }],
      [{ ...route, url: 'http://127.0.0.1:3003' }],
      [{ ...route, name: 'Order' }],
      [{ ...route, prefixes: ['/'] }],
      [{ ...route, prefixes: ['orders'] }],
      [{ ...route, prefixes: ['/orders/'] }],
      [{ ...route, prefixes: ['/health'] }],
      [{ ...route, prefixes: ['/docs/x'] }],
      [{ ...route, unknown: 1 }],
    ];
    for (const routes of bad) assert.ok(!routesSchema.safeParse(routes).success, JSON.stringify(routes));
  });
});
