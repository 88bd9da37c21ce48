import assert from 'node:assert/strict';
import { eventually } from '@punctual/testing';
import { type ProductService, startProductService, whileLocked } from './product-service.ts';
import { CATALOG, fillCatalog, search, searchesAlike } from './search-cases.ts';

describe('searching without OpenSearch', function () {
  this.timeout(60_000);
  let service: ProductService;

  before(async () => {
    service = await startProductService('search_postgres');
    await fillCatalog(service);
    // Read from the replica, which may be behind.
    await eventually(async () => assert.equal((await search(service, {})).total, CATALOG.length));
  });
  after(async () => {
    await service.stop();
  });

  searchesAlike(() => service, 'postgres');

  it('says of what takes too long that it cannot be had at the moment', async () => {
    await whileLocked(service, async () => {
      for (const path of ['/products/search?q=zebra', '/products/suggest?q=zebra']) {
        const { status, headers, body } = await service.call('GET', path);
        assert.deepEqual(
          [status, body.error?.code, body.error?.details],
          [503, 'UNAVAILABLE', { dependency: 'search' }],
        );
        assert.equal(headers.get('retry-after'), '1');
      }
    });
  });
});
