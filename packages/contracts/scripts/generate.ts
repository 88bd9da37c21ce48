/** Writes what the contracts generate; with --check, fails when what is committed is not what they say. */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  authApi,
  buildAsyncApi,
  buildOpenApi,
  isEventType,
  type MessageType,
  messageJsonSchema,
  messageTypes,
  orderApi,
  paymentApi,
  productApi,
  summaryOf,
  userApi,
} from '../src/index.ts';
import { newestOf, readFixtures } from './fixtures.ts';

const OUTPUT = join(import.meta.dirname, '../generated');

const fixtures = readFixtures();

const files: Record<string, unknown> = {
  'openapi.json': buildOpenApi({
    title: 'Punctual',
    version: '1.0.0',
    description: 'An event-driven commerce backend. Every path is mounted at `/` and at `/api/v1` alike.',
    routes: [
      ...authApi.authRoutes,
      ...userApi.userRoutes,
      ...productApi.productRoutes,
      ...orderApi.orderRoutes,
      ...paymentApi.paymentRoutes,
    ],
  }),
  'asyncapi.json': buildAsyncApi({ version: '1.0.0', exampleOf }),
  ...Object.fromEntries(messageTypes.map((type) => [schemaFile(type), messageJsonSchema(type, summaryOf(type))])),
};

const check = process.argv.includes('--check');
const drifted: string[] = [];
for (const [name, content] of Object.entries(files)) {
  const path = join(OUTPUT, name);
  const written = `${JSON.stringify(content, null, 2)}\n`;
  if (!check) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, written);
  } else if (read(path) !== written) drifted.push(name);
}
for (const name of globSync('**/*.json', { cwd: OUTPUT })) {
  if (Object.hasOwn(files, name)) continue;
  // The schema of a message that is gone, or is called otherwise now.
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

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
