import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FAULTS } from '../faults/index.ts';
import { PLACE_ORDERS } from './database.ts';
import { SABOTAGES } from './index.ts';
import { replaceOnce } from './replace.ts';
import { REPLACEMENTS } from './replacements.ts';
import { spoiled } from './sabotage.ts';

const ROOT = join(import.meta.dirname, '../../..');
const sourceOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** What the hook says when a module is loaded in a process of its own, with a sabotage. */
async function load(name: string, file: string): Promise<string> {
  const { NODE_OPTIONS = '' } = spoiled(name, ['order']).order ?? {};
  const script = `const m = await import(${JSON.stringify(join(ROOT, file))}); if (Object.keys(m).length === 0) throw new Error('it exports nothing')`;
  const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS },
  });
  return stderr;
}

describe('sabotages', () => {
  for (const { name, replacements } of SABOTAGES) {
    it(`${name} finds its texts in the sources, each exactly once`, () => {
      for (const replacement of replacements) {
        assert.notEqual(replaceOnce(sourceOf(replacement.file), replacement), sourceOf(replacement.file));
      }
    });
  }

  it('find the texts of place_orders in its migration', () => {
    for (const replacement of PLACE_ORDERS) replaceOnce(sourceOf(replacement.file), replacement);
  });

  it('are one for each invariant, and each spoils something', () => {
    const caughtBy = SABOTAGES.map((sabotage) => sabotage.caughtBy);
    assert.deepEqual([...new Set(caughtBy)].sort(), ['I1', 'I10', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9']);
    for (const { name, replacements, prepare } of SABOTAGES) {
      assert.ok(replacements.length > 0 || prepare !== undefined, name);
    }
    assert.deepEqual(Object.keys(REPLACEMENTS).sort(), SABOTAGES.map(({ name }) => name).sort());
  });

  it('ask for faults that there are', () => {
    for (const { name, needs } of SABOTAGES) {
      for (const fault of needs.faults) {
        const found = FAULTS.find((candidate) => candidate.name === fault.name);
        assert.ok(found, `${name} needs ${fault.name}`);
        assert.ok(fault.target === undefined || found.targets.includes(fault.target), `${name}: ${fault.target}`);
      }
    }
  });

  it('refuse a text that is not there, or is there twice', () => {
    const replacement = { file: 'x.ts', find: 'a', replace: 'b' };
    assert.throws(() => replaceOnce('nothing', replacement), /occurs 0 times in x\.ts/);
    assert.throws(() => replaceOnce('banana', replacement), /occurs 3 times in x\.ts/);
    assert.equal(replaceOnce('cat', replacement), 'cbt');
  });

  for (const { name, replacements } of SABOTAGES) {
    if (replacements.length === 0) continue;
    it(`${name} leaves modules that Node can load`, async () => {
      for (const file of new Set(replacements.map((replacement) => replacement.file))) {
        assert.match(await load(name, file), new RegExp(`sabotage ${name}: .*${file} is spoiled`));
      }
    }).timeout(60_000);
  }

  it('keep a process from starting when there is no such sabotage', async () => {
    await assert.rejects(load('no-such-thing', 'packages/messaging/src/inbox.ts'), /there is no sabotage/);
  });
});
