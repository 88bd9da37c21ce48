import { loadConfig } from '@punctual/config';
import { runMain } from '@punctual/lifecycle';
import { buildApp, migrate, type Role } from './app.ts';
import { configSchema, databaseSchema } from './config.ts';

const databaseOnly = () => loadConfig(databaseSchema, process.env);

const run = (role: Role) => async () => {
  const app = buildApp(loadConfig(configSchema, process.env), {
    role,
    onFatal(error) {
      process.stderr.write(`${error.stack ?? error.message}\n`);
      process.exit(1);
    },
  });
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
    'migrate-up': () => migrate(databaseOnly(), 'up'),
    'migrate-down': () => migrate(databaseOnly(), 'down'),
  },
});
