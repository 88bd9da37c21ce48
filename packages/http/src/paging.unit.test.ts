import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { pagingLinks } from './paging.ts';

function requestFor(url: string, base?: string): IncomingMessage {
  const req = new IncomingMessage(new Socket());
  req.url = url;
  if (base !== undefined) req.headers['x-forwarded-base'] = base;
  return req;
}

describe('pagingLinks', () => {
  it('is relative to the root without a gateway and keeps the other parameters', () => {
    const paging = pagingLinks(requestFor('/orders?status=PAID&page=2&limit=10'), {
      page: 2,
      limit: 10,
      totalItems: 35,
    });
    assert.deepEqual(paging, {
      page: 2,
      limit: 10,
      total_items: 35,
      total_is_exact: true,
      total_pages: 4,
      links: {
        self: '/orders?status=PAID&page=2&limit=10',
        first: '/orders?status=PAID&page=1&limit=10',
        prev: '/orders?status=PAID&page=1&limit=10',
        next: '/orders?status=PAID&page=3&limit=10',
        last: '/orders?status=PAID&page=4&limit=10',
      },
    });
  });

  it('has neither neighbour for an empty list', () => {
    const { total_pages, links } = pagingLinks(requestFor('/orders'), { page: 1, limit: 20, totalItems: 0 });
    assert.deepEqual([total_pages, links.prev, links.next, links.last], [0, null, null, '/orders?page=1']);
  });

  it('leads to no page beyond what can be paged through', () => {
    const pageOf = (page: number, limit: number) =>
      pagingLinks(requestFor(`/orders?page=${page}`), { page, limit, totalItems: 12_345, maxItems: 10_000 });
    const last = pageOf(100, 100);
    assert.deepEqual([last.total_items, last.total_pages], [12_345, 100]);
    assert.deepEqual([last.links.next, last.links.last], [null, '/orders?page=100']);
    assert.equal(pageOf(99, 100).links.next, '/orders?page=100');
    // 142 pages of 70 are 9,940: one more would lead beyond.
    assert.deepEqual([pageOf(142, 70).total_pages, pageOf(142, 70).links.next], [142, null]);
  });

  it('leads back to the last page from beyond it', () => {
    const { links } = pagingLinks(requestFor('/orders?page=9'), { page: 9, limit: 10, totalItems: 15 });
    assert.deepEqual([links.prev, links.next], ['/orders?page=2', null]);
  });

  it('stands on the gateway’s address, and on nothing that is no address', () => {
    const self = (base: string) =>
      pagingLinks(requestFor('/orders', base), { page: 1, limit: 20, totalItems: 0 }).links.self;
    assert.equal(self('http://localhost:8080'), 'http://localhost:8080/orders?page=1');
    assert.equal(self('https://shop.test/api/v1/'), 'https://shop.test/api/v1/orders?page=1');
    assert.equal(self('http://[::1]:8080/api/v1'), 'http://[::1]:8080/api/v1/orders?page=1');
    for (const bad of [
      'javascript:alert(1)',
      'http://a b',
      'http://user@evil.test',
      'http://x/?q=',
      '//evil.test',
      'x',
    ]) {
      assert.equal(self(bad), '/orders?page=1', bad);
    }
  });
});
