import assert from 'node:assert/strict';
import fc from 'fast-check';
import { documentVersion } from './document-version.ts';

describe('documentVersion', () => {
  it('rises with every step of a product or of its stock, in whatever order they come', () => {
    const steps = fc.array(fc.constantFrom('version', 'stockVersion', 'both'), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(steps, (taken) => {
        const state = { version: 1, stockVersion: 1 };
        const versions = [documentVersion(state)];
        for (const step of taken) {
          if (step !== 'stockVersion') state.version += 1;
          if (step !== 'version') state.stockVersion += 1;
          versions.push(documentVersion(state));
        }
        assert.deepEqual(
          versions,
          [...new Set(versions)].sort((a, b) => a - b),
        );
      }),
    );
  });
});
