import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');
const TABLE = join(ROOT, 'docs/security.md');
const IDS = Array.from({ length: 24 }, (_, index) => `S${index + 1}`);

type Reference = { readonly file: string; readonly titles: readonly string[] };
type Row = { readonly id: string; readonly cells: readonly string[]; readonly references: readonly Reference[] };

/** The links of the table's last column, each with the titles in quotation marks that follow it. */
function referencesIn(cell: string): Reference[] {
  return cell.split(/(?=\[[^\]]+\]\()/).flatMap((part) => {
    const target = /\]\(([^)]+)\)/.exec(part)?.[1];
    if (target === undefined) return [];
    const titles = [...part.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title);
    return [{ file: join(dirname(TABLE), target), titles }];
  });
}

function rowsOfTable(): Row[] {
  return readFileSync(TABLE, 'utf8')
    .split('\n')
    .filter((line) => /^\| S\d+ \|/.test(line))
    .map((line) => {
      const cells = line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '').trim());
      return { id: cells[0] ?? '', cells, references: referencesIn(cells.at(-1) ?? '') };
    });
}

/** The ids with which titles of this file begin. */
function idsTested(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/\bit\(\s*['"`](S\d+): /g)].map(([, id = '']) => id);
}

describe('the table of docs/security.md', () => {
  const rows = rowsOfTable();

  it('has a row for every attack, each with a defence and a test', () => {
    assert.deepEqual(
      rows.map(({ id }) => id),
      IDS,
    );
    for (const { id, cells, references } of rows) {
      assert.equal(cells.length, 4, `${id} has not four cells`);
      assert.ok(cells.every((cell) => cell !== '') && references.length > 0, `${id} is not complete`);
    }
  });

  it('names tests that there are, under these titles', () => {
    for (const { id, references } of rows) {
      for (const { file, titles } of references) {
        assert.ok(existsSync(file), `${id}: ${file} does not exist`);
        const source = readFileSync(file, 'utf8');
        for (const title of titles) assert.ok(source.includes(title), `${id}: ${basename(file)} has no “${title}”`);
        if (dirname(file) === import.meta.dirname)
          assert.ok(idsTested(file).includes(id), `${id}: no title in ${basename(file)}`);
        else assert.ok(titles.length > 0, `${id}: ${relative(ROOT, file)} is named without a title`);
      }
    }
  });

  it('names every test of this folder that proves one of its rows', () => {
    const files = readdirSync(import.meta.dirname).map((name) => join(import.meta.dirname, name));
    for (const file of files) {
      for (const id of idsTested(file)) {
        const row = rows.find((candidate) => candidate.id === id);
        assert.ok(
          row?.references.some((reference) => reference.file === file),
          `${id} does not name ${basename(file)}`,
        );
      }
    }
  });
});
