import { loadConfig } from '@punctual/config';
import { runMain } from '@punctual/lifecycle';
import { buildApp, migrate, type Role, seedDemoAccounts } from './app.ts';
import { configSchema, databaseOnlySchema } from './config.ts';

const run = (role: Role) => async () => {
  const app = await buildApp(loadConfig(configSchema, process.env), { role });
  await app.start();
  return app;
};

const databaseOnly = () => loadConfig(databaseOnlySchema, process.env);

await runMain({
  process,
  name: 'auth',
  commands: {
    api: run('api'),
    worker: run('worker'),
    all: run('all'),
    'migrate-up': () => migrate(databaseOnly(), 'up'),
    'migrate-down': () => migrate(databaseOnly(), 'down'),
    seed: () => seedDemoAccounts(databaseOnly()),
  },
});
