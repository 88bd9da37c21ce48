import { loadConfig } from '@punctual/config';
import { runMain } from '@punctual/lifecycle';
import { buildApp, migrateDatabase, type Role } from './app.ts';
import { configSchema } from './config.ts';

const config = () => loadConfig(configSchema, process.env);

const run = (role: Role) => async () => {
  const app = buildApp(config(), { role });
  await app.start();
  return app;
};

await runMain({
  process,
  name: 'mail',
  commands: {
    api: run('api'),
    worker: run('worker'),
    all: run('all'),
    'migrate-up': () => migrateDatabase(config(), 'up'),
    'migrate-down': () => migrateDatabase(config(), 'down'),
  },
});
