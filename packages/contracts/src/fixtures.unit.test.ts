import assert from 'node:assert/strict';
import { brokenSeals, newestOf, readFixtures, readSums } from '../scripts/fixtures.ts';
import { dataSchemaOf, headersOf, isMessageType, messageJsonSchema, messageTypes } from './index.ts';

const fixtures = readFixtures();
const HOW = 'See packages/contracts/fixtures/README.md.';

type Node = { properties?: Record<string, Node>; items?: Node; anyOf?: Node[] };

/** The fields that a schema names, as paths; of alternatives the first, which is the newest. */
function fieldsOf(node: Node, path = ''): string[] {
  const [newest] = node.anyOf ?? [];
  if (newest !== undefined) return fieldsOf(newest, path);
  if (node.items !== undefined) return fieldsOf(node.items, `${path}[]`);
  return Object.entries(node.properties ?? {}).flatMap(([name, property]) => [
    `${path}.${name}`,
    ...fieldsOf(property, `${path}.${name}`),
  ]);
}

function pathsOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => pathsOf(item, `${path}[]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) => [`${path}.${name}`, ...pathsOf(item, `${path}.${name}`)]);
}

describe('messages as they were published', () => {
  for (const { path, type, message } of fixtures) {
    it(`${path} is read by today's schema`, () => {
      assert.ok(
        isMessageType(type),
        `${type} is no message any more, but ${path} was published: keep its schema. ${HOW}`,
      );
      assert.equal(message.type, type);
      const result = dataSchemaOf(type).safeParse(message.data);
      assert.ok(
        result.success,
        `${path} was published and must still be read: widen the schema, do not edit the fixture. ${HOW} ${result.error}`,
      );
    });

    it(`${path} has every attribute`, () => {
      assert.ok(isMessageType(type));
      for (const name of ['id', 'subject', 'time'] as const) assert.ok(message[name].length > 0, name);
      assert.equal(message.specversion, '1.0');
      const { properties } = headersOf(type);
      assert.equal(message.source, (properties.ce_source ?? properties['cloudEvents:source'])?.const);
    });
  }

  for (const type of messageTypes) {
    describe(type, () => {
      it('has a fixture of each version', () => {
        const versions = new Set(fixtures.filter((fixture) => fixture.type === type).map(({ version }) => version));
        assert.ok(versions.size > 0, `add fixtures/${type}/v1.json. ${HOW}`);
        assert.deepEqual(
          [...versions].sort(),
          Array.from({ length: versions.size }, (_, index) => index + 1),
        );
      });

      it("shows every field of today's schema in its newest version, and no other", () => {
        const newest = newestOf(fixtures, type);
        const shown = new Set(newest.flatMap(({ message }) => pathsOf(message.data)));
        const known = new Set(fieldsOf(messageJsonSchema(type, '') as Node));
        assert.deepEqual([...shown].sort(), [...known].sort(), `the message has changed: add its next version. ${HOW}`);
        for (const { message } of newest) assert.deepEqual(dataSchemaOf(type).parse(message.data), message.data);
      });
    });
  }

  it('never change', () => {
    const broken = brokenSeals(fixtures, readSums());
    assert.deepEqual(
      broken,
      [],
      `published messages never change: restore them and add a new version (vN+1.json). ${HOW}`,
    );
  });

  it('all have their sum noted down', () => {
    const sums = readSums();
    const unsealed = fixtures.filter(({ path }) => sums[path] === undefined).map(({ path }) => path);
    assert.deepEqual(unsealed, [], 'new fixtures: run node packages/contracts/scripts/freeze-fixtures.ts');
  });

  it('are found changed when they are', () => {
    const [first, ...others] = fixtures;
    assert.ok(first !== undefined);
    assert.deepEqual(brokenSeals([{ ...first, sha256: 'another' }, ...others], readSums()), [first.path]);
    assert.deepEqual(brokenSeals(others, readSums()), [first.path]);
  });
});

describe('order timers', () => {
  it('that name one order, as they once did, wake that order', () => {
    assert.deepEqual(dataSchemaOf('order.expiry').parse({ order_id: 17 }), { order_ids: [17] });
  });
});
