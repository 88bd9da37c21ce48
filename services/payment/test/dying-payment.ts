/**
 * The payment service as a process of its own: `node dying-payment.ts '{"PORT":"0",…}' before-capture [worker]`. With a point it plays one
 * role, by default only answering requests, and kills itself with SIGKILL where it reaches the point; without one it is the
 * whole service and lives. It prints its address once it listens.
 */
import { loadConfig } from '@punctual/config';
import { silentLogger } from '@punctual/telemetry';
import { buildApp, type Role } from '../src/app.ts';
import { configSchema } from '../src/config.ts';

const [environment = '{}', deadlyPoint, role = deadlyPoint === undefined ? 'all' : 'api'] = process.argv.slice(2);

function reachPoint(point: string): void {
  if (point === deadlyPoint) process.kill(process.pid, 'SIGKILL');
}

function isRole(name: string): name is Role {
  return name === 'api' || name === 'worker' || name === 'all';
}

if (!isRole(role)) throw new Error(`there is no role ${role}`);
const app = buildApp(loadConfig(configSchema, JSON.parse(environment)), {
  role,
  logger: silentLogger(),
  onFatal(error) {
    throw error;
  },
  reachPoint,
  wrapProvider: (provider) => ({
    ...provider,
    async lookup(...request) {
      reachPoint('before-lookup');
      const found = await provider.lookup(...request);
      reachPoint('after-lookup');
      return found;
    },
  }),
});
await app.start();
process.stdout.write(`${app.url}\n`);
