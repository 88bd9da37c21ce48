import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../types.ts';
import { until } from './brokers.ts';
import { freePort } from './free-port.ts';
import { pidOf, ready } from './programs.ts';

const ROOT = join(import.meta.dirname, '../../..');
const STAYS_MS = [3_000, 7_000] as const;
const AWAY_MS = [200, 1_500] as const;
const STOP_LIMIT_MS = 15_000;

/** The second instance is the service itself with the same configuration, so whatever it takes over it also deals with. */
export const rebalanceStorm: Fault = {
  name: 'rebalance-storm',
  about:
    'A second instance of a service joins its consumer groups and leaves them again and again, sometimes by being killed.',
  row: 'slow consumer; rebalance storm',
  targets: ['order', 'product', 'payment'],
  lastsMs: [20_000, 30_000],
  async strike(world, target) {
    const environment = environmentOf(await pidOf(world, target));
    let joined = 0;
    let current: ChildProcess | undefined;
    const storm = until(
      async () => {
        const child = spawn(process.execPath, [join(ROOT, 'services', target, 'src', 'main.ts'), 'worker'], {
          cwd: ROOT,
          env: { ...environment, PORT: String(await freePort()) },
          stdio: 'ignore',
        });
        current = child;
        joined += 1;
        await delay(world.random(...STAYS_MS));
        await end(child, world.random(0, 2) === 0 ? 'SIGKILL' : 'SIGTERM');
        await delay(world.random(...AWAY_MS));
      },
      (error) => world.log('the second instance could not be had', { error: String(error) }),
    );
    return {
      async heal() {
        await storm.stop();
        if (current !== undefined) await end(current, 'SIGKILL');
        await ready(world, target);
        return { joined };
      },
    };
  },
};

/** As the supervisor gave it to the running instance. */
function environmentOf(pid: number): NodeJS.ProcessEnv {
  const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  return Object.fromEntries(
    entries
      .filter((entry) => entry.includes('='))
      .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await gone;
  clearTimeout(timer);
}
