import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../types.ts';
import { allReady, ready, signal, start, stop } from './programs.ts';

const STOPPED_MS = [300, 1_500] as const;
const RUNNING_MS = [100, 800] as const;

export const kafkaRestart = restart(
  'kafka',
  'kafka-restart',
  'Kafka is shut down, stays away for a while and comes back with its data.',
);
export const rabbitRestart = restart(
  'rabbitmq',
  'rabbit-restart',
  'RabbitMQ is shut down, stays away for a while and comes back with its data.',
);

function restart(program: string, name: string, about: string): Fault {
  return {
    name,
    about,
    row: "broker restart; RabbitMQ's data wiped at 'hour 3'",
    targets: [program],
    lastsMs: [3_000, 15_000],
    async strike(world) {
      await stop(world, program);
      return { heal: () => start(world, program) };
    },
  };
}

export const rabbitWipe: Fault = {
  name: 'rabbit-wipe',
  about: 'RabbitMQ loses its data folder: every queue, message and waiting timer is gone, and it starts empty.',
  row: "broker restart; RabbitMQ's data wiped at 'hour 3'",
  targets: ['rabbitmq'],
  lastsMs: [1_000, 3_000],
  async strike(world) {
    await world.stack('wipe-rabbitmq');
    return {
      async heal() {
        await ready(world, 'rabbitmq');
        // Ready again means that the services have declared their queues anew.
        await allReady(world, ['order', 'mail']);
      },
    };
  },
};

export const slowConsumer: Fault = {
  name: 'slow-consumer',
  about: 'A consumer gets a fraction of the processor: it is stopped and let go again in quick turns.',
  row: 'slow consumer; rebalance storm',
  targets: ['order', 'product', 'payment', 'mail'],
  lastsMs: [15_000, 25_000],
  async strike(world, target) {
    const dither = until(async () => {
      await signal(world, target, 'STOP');
      await delay(world.random(...STOPPED_MS));
      await signal(world, target, 'CONT');
      await delay(world.random(...RUNNING_MS));
    });
    return {
      async heal() {
        await dither.stop();
        await signal(world, target, 'CONT');
        await ready(world, target);
      },
    };
  },
};

/** Repeats work until it is told to stop, which waits for the end of the round; a failed round is repeated too. */
export function until(round: () => Promise<void>, onFailure?: (error: unknown) => void): { stop(): Promise<void> } {
  let isStopped = false;
  const loop = (async () => {
    while (!isStopped) {
      try {
        await round();
      } catch (error) {
        onFailure?.(error);
        await delay(200);
      }
    }
  })();
  return {
    async stop() {
      isStopped = true;
      await loop;
    },
  };
}
