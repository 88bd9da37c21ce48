import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const TABLE = join(import.meta.dirname, '../../docs/degradation.md');
const COLUMNS = 8;
/** What each service depends on, by the words of the column "away"; a row may speak for several services. */
const DEPENDENCIES: Readonly<Record<string, readonly string[]>> = {
  gateway: ['Redis', 'Kafka', 'auth (JWKS)', 'product', 'order', 'payment', 'etcd'],
  auth: ['Postgres primary', 'Postgres replica', 'pgpool', 'Kafka', 'RabbitMQ', 'etcd'],
  product: ['Postgres primary', 'Postgres replica', 'pgpool', 'Kafka', 'auth (JWKS)', 'OpenSearch', 'etcd'],
  order: [
    'Postgres primary',
    'Postgres replica',
    'pgpool',
    'Kafka',
    'RabbitMQ',
    'Redis',
    'auth (JWKS)',
    'product',
    'payment',
    'etcd',
  ],
  payment: [
    'Postgres primary',
    'Postgres replica',
    'pgpool',
    'Kafka',
    'payment provider',
    'auth (JWKS)',
    'order',
    'etcd',
  ],
  mail: ['Postgres primary', 'pgpool', 'RabbitMQ', 'SMTP', 'etcd'],
};

type Reference = { readonly file: string; readonly titles: readonly string[] };
type Row = {
  readonly id: string;
  readonly cells: readonly string[];
  readonly services: readonly string[];
  readonly dependency: string;
  readonly references: readonly Reference[];
};

/** The links of a cell, each with the titles in quotation marks that follow it. */
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
    .filter((line) => /^\| D\d+ \|/.test(line))
    .map((line) => {
      const cells = line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '').trim());
      const [id = '', services = '', dependency = ''] = cells;
      return { id, cells, services: services.split(', '), dependency, references: referencesIn(cells.at(-1) ?? '') };
    });
}

describe('the table of docs/degradation.md', () => {
  const rows = rowsOfTable();

  it('numbers its rows, and leaves none of their cells empty', () => {
    assert.ok(rows.length > 0);
    assert.deepEqual(
      rows.map(({ id }) => id),
      rows.map((_, index) => `D${index + 1}`),
    );
    for (const { id, cells } of rows) {
      assert.equal(cells.length, COLUMNS, `${id} has not ${COLUMNS} cells`);
      assert.ok(
        cells.every((cell) => cell !== ''),
        `${id} is not complete`,
      );
    }
  });

  for (const [service, dependencies] of Object.entries(DEPENDENCIES)) {
    it(`has a row for each dependency of ${service}`, () => {
      const found = rows.filter(({ services }) => services.includes(service)).map(({ dependency }) => dependency);
      assert.deepEqual(found.sort(), [...dependencies].sort());
    });
  }

  it('names tests that there are, under these titles', () => {
    for (const { id, references } of rows) {
      assert.ok(references.length > 0, `${id} names no test`);
      for (const { file, titles } of references) {
        assert.ok(existsSync(file), `${id}: ${file} does not exist`);
        assert.ok(titles.length > 0, `${id}: ${file} is named without a title`);
        const source = readFileSync(file, 'utf8');
        for (const title of titles) assert.ok(source.includes(title), `${id}: ${file} has no “${title}”`);
      }
    }
  });
});
