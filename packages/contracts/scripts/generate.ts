/** Writes what the contracts generate; with --check, fails when what is committed is not what they say. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { authApi, buildOpenApi, events, mailJobs, orderApi, paymentApi, productApi, userApi } from '../src/index.ts';

const OUTPUT = join(import.meta.dirname, '../generated');

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
  'events.schema.json': schemasOf(
    Object.fromEntries(Object.entries(events).map(([type, event]) => [type, event.data])),
  ),
  'mail-jobs.schema.json': schemasOf(mailJobs),
};

const check = process.argv.includes('--check');
const drifted: string[] = [];
mkdirSync(OUTPUT, { recursive: true });
for (const [name, content] of Object.entries(files)) {
  const path = join(OUTPUT, name);
  const written = `${JSON.stringify(content, null, 2)}\n`;
  if (!check) writeFileSync(path, written);
  else if (read(path) !== written) drifted.push(name);
}
if (drifted.length > 0) {
  console.error(`packages/contracts/generated is out of date: ${drifted.join(', ')}. Run: make generate`);
  process.exit(1);
}
console.log(`${Object.keys(files).length} generated files ${check ? 'are up to date' : 'written'}`);

function schemasOf(schemas: Record<string, z.ZodType>): unknown {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $defs: Object.fromEntries(
      Object.entries(schemas).map(([type, schema]) => {
        const { $schema: _, ...rest } = z.toJSONSchema(schema);
        return [type, rest];
      }),
    ),
  };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
