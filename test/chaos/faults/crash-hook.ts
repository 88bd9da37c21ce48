/**
 * Loaded into a service with `node --import`, since the service's own code has no switch for it: kills the process with SIGKILL
 * at a named point, on its n-th passing there. Point and n are drawn from the seed for each life of the process, so that one
 * seed always makes the same list of deaths. CHAOS_CRASH has the plan.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { deathOf, type Plan, type Point } from './crash-plan.ts';

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

const ROOT = join(import.meta.dirname, '../../..');
const require = createRequire(import.meta.url);
const plan: Plan = JSON.parse(process.env.CHAOS_CRASH ?? 'null');
const lives = existsSync(plan.deaths) ? readFileSync(plan.deaths, 'utf8').split('\n').length - 1 : 0;
const death = deathOf(plan, lives);
const bornAt = performance.now();
let left = death?.passing ?? 0;

if (death !== undefined) {
  hookCommits();
  hookKafka();
  hookRabbit();
  hookMails();
}

function pass(point: Point): void {
  if (death?.point !== point || performance.now() - bornAt < death.afterMs) return;
  left -= 1;
  if (left > 0) return;
  appendFileSync(plan.deaths, `${point} ${death.passing}\n`);
  process.kill(process.pid, 'SIGKILL');
}

/** Replaces a method by one that is given the original. */
function wrap(owner: object, name: string, around: (original: AnyFunction) => AnyFunction): void {
  const original: unknown = Reflect.get(owner, name);
  if (typeof original !== 'function') throw new Error(`there is no method ${name} to hook`);
  Reflect.set(owner, name, around(original as AnyFunction));
}

function hookCommits(): void {
  wrap(
    require('pg').Client.prototype,
    'query',
    (original) =>
      function query(this: unknown, ...args) {
        const [first] = args;
        const text = typeof first === 'string' ? first : String((first as { text?: string } | undefined)?.text);
        if (!/^COMMIT\b/i.test(text)) return original.apply(this, args);
        pass('before-commit');
        const callback = args.at(-1);
        if (typeof callback === 'function') {
          const after = (...results: unknown[]) => {
            pass('after-commit');
            callback(...results);
          };
          return original.apply(this, [...args.slice(0, -1), after]);
        }
        const result = original.apply(this, args);
        return result instanceof Promise ? result.then(passing('after-commit')) : result;
      },
  );
}

function passing<T>(point: Point): (value: T) => T {
  return (value) => {
    pass(point);
    return value;
  };
}

function hookKafka(): void {
  const { Kafka } = require('kafkajs');
  wrap(
    Kafka.prototype,
    'producer',
    (original) =>
      function producer(this: unknown, ...args) {
        const made = original.apply(this, args) as object;
        wrap(made, 'sendBatch', (send) => async (...sent) => {
          pass('before-publish');
          return passing('after-publish')(await send(...sent));
        });
        return made;
      },
  );
  wrap(
    Kafka.prototype,
    'consumer',
    (original) =>
      function consumer(this: unknown, ...args) {
        const made = original.apply(this, args) as object;
        wrap(made, 'run', (run) => (options) => run({ ...(options as object), ...batchHook(options) }));
        return made;
      },
  );
}

function batchHook(options: unknown): object {
  const { eachBatch } = options as { eachBatch?: AnyFunction };
  if (eachBatch === undefined) return {};
  return {
    eachBatch(payload: { commitOffsetsIfNecessary: AnyFunction }) {
      const { commitOffsetsIfNecessary } = payload;
      const commit = async (...offsets: unknown[]) => {
        pass('before-ack');
        return passing('after-ack')(await commitOffsetsIfNecessary(...offsets));
      };
      return eachBatch.call(undefined, { ...payload, commitOffsetsIfNecessary: commit });
    },
  };
}

function hookRabbit(): void {
  const { Channel, ConfirmChannel } = require(join(ROOT, 'node_modules/amqplib/lib/channel_model.js'));
  wrap(
    ConfirmChannel.prototype,
    'publish',
    (original) =>
      function publish(this: unknown, ...args) {
        pass('before-publish');
        const callback = args[4];
        if (typeof callback !== 'function') return original.apply(this, args);
        const confirmed = (...results: unknown[]) => {
          pass('after-publish');
          callback(...results);
        };
        return original.apply(this, [...args.slice(0, 4), confirmed]);
      },
  );
  wrap(
    Channel.prototype,
    'ack',
    (original) =>
      function ack(this: unknown, ...args) {
        pass('before-ack');
        const result = original.apply(this, args);
        setImmediate(() => pass('after-ack'));
        return result;
      },
  );
}

/** On the wire, since the mail library keeps its connection to itself. */
function hookMails(): void {
  const smtpPort = Number(process.env.SMTP_PORT);
  if (!Number.isInteger(smtpPort) || smtpPort === 0) return;
  wrap(
    Socket.prototype,
    'write',
    (original) =>
      function write(this: unknown, ...args) {
        const socket = this as Socket;
        if (socket.remotePort === smtpPort && String(args[0]).endsWith('DATA\r\n')) {
          pass('before-data');
          // First the server's 354, then its answer to the mail, of which the service is not to learn.
          const listen = (chunk: Buffer) => {
            if (!chunk.toString('latin1').startsWith('250')) return;
            socket.off('data', listen);
            pass('after-data');
          };
          socket.prependListener('data', listen);
        }
        return original.apply(this, args);
      },
  );
}
