import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Parser } from '@asyncapi/parser';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { readFixtures } from '../scripts/fixtures.ts';
import {
  type AsyncApiDocument,
  buildAsyncApi,
  type EventType,
  eventFlows,
  events,
  exchangeFlows,
  messageTypes,
  queueFlows,
  TOPICS,
} from './index.ts';

const GENERATED = join(import.meta.dirname, '../generated');
const ERROR_SEVERITY = 0;
const fixtures = readFixtures();
const document = JSON.parse(readFileSync(join(GENERATED, 'asyncapi.json'), 'utf8')) as AsyncApiDocument;

async function errorsOf(candidate: AsyncApiDocument): Promise<string[]> {
  const { diagnostics } = await new Parser().parse(JSON.stringify(candidate));
  return diagnostics
    .filter(({ severity }) => severity === ERROR_SEVERITY)
    .map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('the AsyncAPI document', () => {
  it('is valid AsyncAPI 3.0', async () => {
    assert.equal(document.asyncapi, '3.0.0');
    assert.deepEqual(await errorsOf(document), []);
  }).timeout(60_000);

  it('is found invalid when it is not', async () => {
    const [id = '', operation] = Object.entries(document.operations)[0] ?? [];
    assert.ok(operation !== undefined);
    const components = { messages: {}, schemas: {} };
    const errors = await errorsOf({ ...document, channels: {}, operations: { [id]: operation }, components });
    assert.ok(errors.length > 0);
  }).timeout(60_000);

  it('is the same every time', () => {
    const build = () => JSON.stringify(buildAsyncApi({ version: '1' }));
    assert.equal(build(), build());
  });

  it('has a channel for each topic, exchange and queue', () => {
    assert.deepEqual(Object.keys(document.channels), [
      ...TOPICS.map((topic) => `topic.${topic}`),
      ...exchangeFlows.map(({ name }) => `exchange.${name}`),
      ...queueFlows.map(({ name }) => `queue.${name}`),
    ]);
  });

  it('says of each message who writes it, and of each who reads it', () => {
    const operations = Object.values(document.operations);
    const isIn = (action: string, type: string) =>
      operations.some(
        (operation) =>
          operation.action === action && operation.messages.some(({ $ref }) => $ref.endsWith(`/messages/${type}`)),
      );
    for (const type of messageTypes) {
      const isReadByNobody = Object.hasOwn(events, type) && eventFlows[type as EventType].groups.length === 0;
      assert.ok(isIn('send', type), type);
      assert.equal(isIn('receive', type), !isReadByNobody, type);
    }
  });

  it('shows an example of each message', () => {
    for (const type of messageTypes) assert.equal(document.components.messages[type]?.examples?.length, 1, type);
  });
});

describe('the JSON Schemas', () => {
  const files = globSync('schemas/**/*.schema.json', { cwd: GENERATED });

  it('are a file for each message', () => {
    const names = files.map((path) => path.replace(/^.*\//, '').replace('.schema.json', ''));
    assert.deepEqual(names.sort(), [...messageTypes].sort());
  });

  for (const path of files.sort()) {
    it(`${path} compiles, takes what was published, and refuses what was not`, () => {
      const schema = JSON.parse(readFileSync(join(GENERATED, path), 'utf8')) as { $schema: string; title: string };
      assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema');
      const accepts = new Ajv2020({ strict: true, strictTypes: false, validateFormats: false }).compile(schema);
      const published = fixtures.filter(({ type }) => type === schema.title);
      assert.ok(published.length > 0);
      for (const { message, path: fixture } of published) {
        assert.ok(accepts(message.data), `${fixture}: ${JSON.stringify(accepts.errors)}`);
        assert.ok(accepts({ ...(message.data as object), added_later: true }), 'a newer writer is read');
      }
      for (const data of [{}, null, 'text', []]) assert.ok(!accepts(data), JSON.stringify(data));
    });
  }
});
