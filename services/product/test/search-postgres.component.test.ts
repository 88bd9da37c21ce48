import assert from 'node:assert/strict';
import { eventually } from '@punctual/testing';
import { type ProductService, startProductService } from './product-service.ts';
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
});
