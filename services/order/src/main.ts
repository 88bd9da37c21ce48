import { loadConfig } from '@punctual/config';
import { runMain } from '@punctual/lifecycle';
import { buildApp, migrate, type Role } from './app.ts';
import { configSchema } from './config.ts';

const config = () => loadConfig(configSchema, process.env);

/** A fatal error becomes an unhandled one, which ends the process with exit code 1 and a log line. */
const onFatal = (error: Error) => void Promise.reject(error);

const run = (role: Role) => async () => {
  const app = buildApp(config(), { role, onFatal });
  await app.start();
  return app;
};

await runMain({
  process,
  name: 'order',
  commands: {
    api: run('api'),
    worker: run('worker'),
    all: run('all'),
    'migrate-up': () => migrate(config(), 'up'),
    'migrate-down': () => migrate(config(), 'down'),
  },
});
