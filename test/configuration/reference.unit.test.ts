import assert from 'node:assert/strict';
import { DYNAMIC, MEANINGS } from './meanings.ts';
import { renderReference, writtenReference } from './reference.ts';

describe('docs/configuration.md', () => {
  it('has every variable of every service and every setting, as the code has them', () => {
    assert.equal(writtenReference(), renderReference(), 'it is out of date: make generate');
  });

  it('calls dynamic only what it explains', () => {
    for (const name of Object.keys(DYNAMIC)) assert.ok(MEANINGS[name] !== undefined, name);
  });
});
