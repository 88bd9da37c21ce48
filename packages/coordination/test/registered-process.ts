/** A process that registers and waits to be killed: `node registered-process.ts ENDPOINT PREFIX SERVICE PORT`. */
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { createRegistration } from '../src/discovery/registration.ts';
import { connectEtcd } from '../src/etcd/etcd.ts';

const [endpoint = '', prefix = '', service = '', port = ''] = process.argv.slice(2);
const shared = { logger: silentLogger(), metrics: createMetrics(service) };
const registration = createRegistration({
  ...shared,
  etcd: connectEtcd({ ...shared, endpoints: [endpoint] }),
  prefix,
  service,
  instance: `process-${process.pid}`,
  describe: () => ({ http: `127.0.0.1:${port}`, version: '1', started_at: new Date().toISOString() }),
});
await registration.start();
process.on('SIGTERM', () => {
  void registration.stop().then(() => process.exit(0));
});
