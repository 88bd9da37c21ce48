/**
 * The payment service as a process of its own: `node dying-payment.ts '{"PORT":"0",…}' before-capture`. With a point it only
 * answers requests, and kills itself with SIGKILL where it reaches the point; without one it is the whole service and lives.
 * It prints its address once it listens.
 */
import { loadConfig } from '@punctual/config';
import { silentLogger } from '@punctual/telemetry';
import { buildApp } from '../src/app.ts';
import { configSchema } from '../src/config.ts';

const [environment = '{}', deadlyPoint] = process.argv.slice(2);

const app = buildApp(loadConfig(configSchema, JSON.parse(environment)), {
  role: deadlyPoint === undefined ? 'all' : 'api',
  logger: silentLogger(),
  onFatal(error) {
    throw error;
  },
  reachPoint(point) {
    if (point === deadlyPoint) process.kill(process.pid, 'SIGKILL');
  },
});
await app.start();
process.stdout.write(`${app.url}\n`);
