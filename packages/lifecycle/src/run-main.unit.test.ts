import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { silentLogger } from '@punctual/telemetry';
import { type MainOptions, runMain } from './run-main.ts';

class Exited extends Error {
  readonly exitCode: number;
  constructor(exitCode: number) {
    super(`exit ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** Stands in for the process: `exit` is recorded, and throws where the real one would not return. */
function fakeProcess(...argv: string[]) {
  const events = new EventEmitter();
  const exits: number[] = [];
  const output = { out: '', err: '' };
  const first = Promise.withResolvers<number>();
  const process: MainOptions['process'] = {
    argv: ['node', 'main.ts', ...argv],
    stdout: { write: (text) => (output.out += text) },
    stderr: { write: (text) => (output.err += text) },
    on: (event, listener) => events.on(event, listener),
    exit(code) {
      exits.push(code);
      first.resolve(code);
      throw new Exited(code);
    },
  };
  const signal = (name: string): void => {
    try {
      events.emit(name);
    } catch (error) {
      if (!(error instanceof Exited)) throw error;
    }
  };
  return { process, events, signal, exits, output, exited: first.promise };
}

/** Runs to the first exit and returns its code. */
async function run(
  fake: ReturnType<typeof fakeProcess>,
  commands: MainOptions['commands'],
  stopTimeoutMs = 1_000,
): Promise<number> {
  const main = runMain({ process: fake.process, name: 'order', commands, logger: silentLogger(), stopTimeoutMs });
  main.catch((error: unknown) => {
    if (!(error instanceof Exited)) throw error;
  });
  return await fake.exited;
}

describe('runMain', () => {
  it('runs the command with its arguments and exits 0 when it is finished', async () => {
    const fake = fakeProcess('migrate-down', '2');
    let seen: string[] = [];
    const code = await run(fake, {
      'migrate-down': async (args) => {
        seen = args;
      },
    });
    assert.equal(code, 0);
    assert.deepEqual(seen, ['2']);
  });

  it('prints the commands for --help and for an unknown command', async () => {
    const commands = { api: async () => undefined, worker: async () => undefined };
    const help = fakeProcess('--help');
    assert.equal(await run(help, commands), 0);
    assert.match(help.output.out, /commands: api, worker/);
    const unknown = fakeProcess('toString');
    assert.equal(await run(unknown, commands), 2);
    assert.match(unknown.output.err, /unknown command "toString"\nusage: order <command>\ncommands: api, worker/);
  });

  it('stops a running command on SIGTERM and exits 0', async () => {
    const fake = fakeProcess('all');
    let isStopped = false;
    const running = run(fake, {
      all: async () => ({
        async stop() {
          isStopped = true;
        },
      }),
    });
    fake.signal('SIGTERM');
    assert.equal(await running, 0);
    assert.ok(isStopped);
  });

  it('exits 1 when the stop exceeds its bound, fails, or is interrupted by a second signal', async () => {
    const hanging = { stop: () => new Promise<void>(() => undefined) };
    const hung = fakeProcess('all');
    const outcome = run(hung, { all: async () => hanging }, 20);
    hung.signal('SIGINT');
    assert.equal(await outcome, 1);

    const failing = fakeProcess('all');
    const failed = run(failing, { all: async () => ({ stop: () => Promise.reject(new Error('stuck')) }) });
    failing.signal('SIGTERM');
    assert.equal(await failed, 1);

    const twice = fakeProcess('all');
    const interrupted = run(twice, { all: async () => hanging }, 60_000);
    twice.signal('SIGTERM');
    twice.signal('SIGTERM');
    assert.equal(await interrupted, 1);
  });

  it('prints a configuration error plainly and exits 1', async () => {
    const fake = fakeProcess('api');
    const code = await run(fake, {
      api: async () => {
        throw Object.assign(new Error('A: found "x", expected a port\nB: found nothing, expected some text'), {
          name: 'ConfigError',
        });
      },
    });
    assert.equal(code, 1);
    assert.equal(
      fake.output.err,
      'order: the configuration is not usable\n  A: found "x", expected a port\n  B: found nothing, expected some text\n',
    );
  });

  it('exits 1 on an unhandled rejection', async () => {
    const fake = fakeProcess('all');
    const running = run(fake, { all: async () => ({ stop: async () => undefined }) });
    assert.throws(() => fake.events.emit('unhandledRejection', new Error('lost')), { exitCode: 1 });
    assert.equal(await running, 1);
  });

  it('exits 1 when a part of the process says that it has died for good', async () => {
    const fake = fakeProcess('all');
    const running = run(fake, {
      async all(_args, { fail }) {
        fake.events.on('consumer died', () => fail(new Error('the consumer gave up')));
        return { stop: async () => undefined };
      },
    });
    await new Promise(setImmediate);
    assert.throws(() => fake.events.emit('consumer died'), { exitCode: 1 });
    assert.equal(await running, 1);
  });

  it('tells a command that is still starting to stop, and stops it when it has returned in time', async () => {
    const fake = fakeProcess('all');
    let isStopped = false;
    const running = run(fake, {
      all: async (_args, { signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return {
          async stop() {
            isStopped = true;
          },
        };
      },
    });
    fake.signal('SIGTERM');
    assert.equal(await running, 0);
    assert.ok(isStopped);
  });
});
