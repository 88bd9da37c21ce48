import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const MEMORY_MB = 64;

describe('the memory of the graph', function () {
  this.timeout(120_000);

  it('does not grow with the documents that anybody sends', async () => {
    const worker = new Worker(new URL('graphql-memory-worker.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
    });
    assert.deepEqual(await once(worker, 'exit'), [0]);
  });
});
