/** Writes what the contracts generate; with --check, fails when what is committed is not what they say. */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  API_NAMES,
  buildAsyncApi,
  gatewayOpenApi,
  isEventType,
  type MessageType,
  messageJsonSchema,
  messageTypes,
  serviceOpenApi,
  summaryOf,
} from '../src/index.ts';
import { newestOf, readFixtures } from './fixtures.ts';
import { grpcFiles } from './grpc-files.ts';

const OUTPUT = join(import.meta.dirname, '../generated');

const fixtures = readFixtures();

const documents: Record<string, unknown> = {
  'openapi.json': gatewayOpenApi(),
  ...Object.fromEntries(API_NAMES.map((name) => [`openapi.${name}.json`, serviceOpenApi(name)])),
  'asyncapi.json': buildAsyncApi({ version: '1.0.0', exampleOf }),
  ...Object.fromEntries(messageTypes.map((type) => [schemaFile(type), messageJsonSchema(type, summaryOf(type))])),
};

const files: Record<string, Buffer> = {
  ...Object.fromEntries(
    Object.entries(documents).map(([name, document]) => [name, Buffer.from(`${JSON.stringify(document, null, 2)}\n`)]),
  ),
  ...grpcFiles(),
};

const check = process.argv.includes('--check');
const drifted: string[] = [];
for (const [name, content] of Object.entries(files)) {
  const path = join(OUTPUT, name);
  if (!check) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  } else if (!read(path)?.equals(content)) drifted.push(name);
}
for (const name of globSync('**/*.{json,ts,binpb}', { cwd: OUTPUT })) {
  if (Object.hasOwn(files, name)) continue;
  // Of what is gone, or is called otherwise now.
  if (check) drifted.push(name);
  else rmSync(join(OUTPUT, name));
}
if (drifted.length > 0) {
  console.error(`packages/contracts/generated is out of date: ${drifted.join(', ')}. Run: make generate`);
  process.exit(1);
}
console.log(`${Object.keys(files).length} generated files ${check ? 'are up to date' : 'written'}`);

/** A file for each message: a consumer in another language takes those that it reads. */
function schemaFile(type: MessageType): string {
  return `schemas/${isEventType(type) ? 'events' : 'queues'}/${type}.schema.json`;
}

function exampleOf(type: MessageType): unknown {
  return newestOf(fixtures, type)[0]?.message.data;
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
