import { loadConfig } from '@punctual/config';
import { type Command, runMain } from '@punctual/lifecycle';
import { buildApp, migrateDatabase, type Role } from './app.ts';
import { configSchema, databaseSchema } from './config.ts';

const databaseOnly = () => loadConfig(databaseSchema, process.env);

const run =
  (role: Role): Command =>
  async (_args, { fail }) => {
    const app = buildApp(loadConfig(configSchema, process.env), { role, onFatal: fail });
    await app.start();
    return app;
  };

await runMain({
  process,
  name: 'payment',
  commands: {
    api: run('api'),
    worker: run('worker'),
    all: run('all'),
    'migrate-up': () => migrateDatabase(databaseOnly(), 'up'),
    'migrate-down': () => migrateDatabase(databaseOnly(), 'down'),
  },
});
