import type { Fault } from '../types.ts';
import { roles } from './databases.ts';
import { backInPlace } from './postgres.ts';
import { pidOf, ready, SERVICES, signal } from './programs.ts';

const SERVERS = ['kafka', 'rabbitmq', 'redis-1', 'postgres-primary', 'postgres-replica', 'pgpool'] as const;

export const kill: Fault = {
  name: 'kill',
  about: 'A process is killed with SIGKILL, whatever it is doing; the supervisor starts it again.',
  row: 'kill -9 before/after commit, publish, acknowledge, SMTP DATA',
  targets: [...SERVICES, ...SERVERS],
  lastsMs: [500, 2_000],
  async strike(world, target) {
    const pid = await pidOf(world, target);
    const { primary } = roles(world);
    await signal(world, target, 'KILL');
    return {
      async heal() {
        if (target.startsWith('postgres-')) await backInPlace(world, primary.name);
        await ready(world, target);
        return { pid, pidAfter: await pidOf(world, target) };
      },
    };
  },
};

export const pause: Fault = {
  name: 'pause',
  about:
    'A process stands still (SIGSTOP) for longer than a lock and a consumer session last, and goes on as if nothing had been.',
  row: 'SIGSTOP longer than the lock TTL and the consumer session',
  targets: ['order', 'product', 'payment', 'mail', 'auth', 'gateway', 'redis-1', 'kafka', 'rabbitmq'],
  // Sessions of consumers last 10 s, locks 5 s.
  lastsMs: [13_000, 18_000],
  async strike(world, target) {
    await signal(world, target, 'STOP');
    return {
      async heal() {
        await signal(world, target, 'CONT');
        await ready(world, target);
      },
    };
  },
};
