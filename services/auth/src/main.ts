import { createInterface } from 'node:readline';
import { loadConfig } from '@punctual/config';
import { runMain } from '@punctual/lifecycle';
import { buildApp, isAdminRefused, makeAdmin, migrateDatabase, type Role, seedDemoAccounts } from './app.ts';
import { configSchema, createAdminSchema, databaseOnlySchema } from './config.ts';

const INPUT_LIMIT_MS = 30_000;
const PASSWORD_SOURCES = 'on standard input, in ADMIN_PASSWORD, or in the file that ADMIN_PASSWORD_FILE names';

const run = (role: Role) => async () => {
  const app = await buildApp(loadConfig(configSchema, process.env), { role });
  await app.start();
  return app;
};

const databaseOnly = () => loadConfig(databaseOnlySchema, process.env);

/** The first line of what is piped in; undefined from a terminal, where the password would be shown. */
async function passwordFromInput(): Promise<string | undefined> {
  if (process.stdin.isTTY) return undefined;
  const lines = createInterface({ input: process.stdin, signal: AbortSignal.timeout(INPUT_LIMIT_MS) });
  for await (const line of lines) return line === '' ? undefined : line;
  return undefined;
}

async function createAdminFrom(args: string[]): Promise<void> {
  const [email, ...rest] = args;
  if (email === undefined || rest.length > 0) {
    process.stderr.write(`usage: auth admin-create <email>, the password ${PASSWORD_SOURCES}\n`);
    process.exit(2);
  }
  const config = loadConfig(createAdminSchema, process.env);
  try {
    const password = config.ADMIN_PASSWORD ?? (await passwordFromInput());
    process.stdout.write(`${await makeAdmin(config, { email, password })}\n`);
  } catch (error) {
    if (!isAdminRefused(error)) throw error;
    process.stderr.write(`auth: ${error.message}\n      A password is taken ${PASSWORD_SOURCES}.\n`);
    process.exit(1);
  }
}

await runMain({
  process,
  name: 'auth',
  commands: {
    api: run('api'),
    worker: run('worker'),
    all: run('all'),
    'migrate-up': () => migrateDatabase(databaseOnly(), 'up'),
    'migrate-down': () => migrateDatabase(databaseOnly(), 'down'),
    'admin-create': createAdminFrom,
    seed: () => seedDemoAccounts(databaseOnly()),
  },
});
