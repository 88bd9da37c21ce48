import assert from 'node:assert/strict';
import { apiRoutes } from '@punctual/contracts';
import { createAccessTable } from './access-table.ts';

describe('the access table', () => {
  const table = createAccessTable(apiRoutes);
  const find = (method: string, path: string) => table.find(method, path.slice(1).split('/'));

  it('knows who may call each contract’s route', () => {
    for (const route of apiRoutes) {
      for (const path of [route.path, ...(route.aliases ?? [])]) {
        const concrete = path.replaceAll(/:\w+/g, '5');
        assert.equal(find(route.method.toUpperCase(), concrete), route.access, `${route.method} ${path}`);
      }
    }
  });

  it('reads HEAD as GET', () => {
    assert.equal(find('HEAD', '/orders/5'), 'user');
    assert.equal(find('HEAD', '/products/5'), 'public');
  });

  it('knows nothing of what no contract states', () => {
    assert.equal(find('TRACE', '/orders/5'), undefined);
    assert.equal(find('GET', '/orders/5/else'), undefined);
    assert.equal(find('GET', '/'), undefined);
  });

  it('prefers a literal to a parameter', () => {
    const own = createAccessTable([
      { method: 'get', path: '/things/:id', access: 'admin' },
      { method: 'get', path: '/things/mine', access: 'user' },
    ]);
    assert.equal(own.find('GET', ['things', 'mine']), 'user');
    assert.equal(own.find('GET', ['things', '5']), 'admin');
  });
});
