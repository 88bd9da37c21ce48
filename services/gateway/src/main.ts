import process from 'node:process';
import { runMain } from '@punctual/lifecycle';
import { buildApp } from './app.ts';
import { loadGatewayConfig } from './config.ts';

async function serve(): Promise<{ stop(): Promise<void> }> {
  const gateway = buildApp(loadGatewayConfig(process.env));
  await gateway.start();
  return gateway;
}

await runMain({
  process,
  name: 'gateway',
  commands: {
    api: serve,
    all: serve,
    // Every service has this command, so that all are started alike; here there is nothing to do beside requests.
    async worker() {
      process.stdout.write('gateway: there is no worker here; start `api` or `all`\n');
    },
  },
});
