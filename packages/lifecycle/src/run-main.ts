/**
 * The entry point of a service: one command of the command line, until it is finished or a signal stops it.
 *
 *   starting ── returned {stop} ──▶ running ── SIGTERM, SIGINT ──▶ stopping ──▶ exit 0
 *      │                                                             └─ hung, failed or second signal ──▶ exit 1
 *      ├─ returned nothing ──▶ exit 0
 *      ├─ threw ──▶ exit 1
 *      └─ SIGTERM, SIGINT ──▶ the command's abort signal, a short grace, exit 143 or 130
 */
import { createLogger, type Logger } from '@punctual/telemetry';

const STOP_TIMEOUT_MS = 10_000;
const START_ABORT_MS = 2_000;
const EXIT_CODES = { ok: 0, failed: 1, usage: 2 };
const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 };

type StopSignal = keyof typeof SIGNAL_EXIT_CODES;

export type CommandContext = {
  /** Aborted when the process is told to stop before the command has returned. */
  readonly signal: AbortSignal;
  /** Ends the process at once, for a part of it has died for good: its supervisor starts it anew. */
  fail(error: Error): void;
};

/** Returns `{stop}` when it goes on running, nothing when it is finished. */
export type Command = (args: string[], context: CommandContext) => Promise<{ stop(): Promise<void> } | void>;

/** The part of the Node process that is used, so that tests can stand in for it. */
export type MainProcess = {
  readonly argv: readonly string[];
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  on(event: string, listener: (argument: unknown) => void): unknown;
  exit(code: number): never;
};

export type MainOptions = {
  process: MainProcess;
  name: string;
  commands: Readonly<Record<string, Command>>;
  logger?: Logger;
  /** Bounds the whole stop; 10 s when absent. */
  stopTimeoutMs?: number;
};

export async function runMain(options: MainOptions): Promise<void> {
  const {
    process,
    name,
    commands,
    logger = createLogger({ service: name }),
    stopTimeoutMs = STOP_TIMEOUT_MS,
  } = options;
  const [commandName = '--help', ...args] = process.argv.slice(2);
  if (commandName === '--help' || commandName === '-h' || commandName === 'help') {
    process.stdout.write(usage(name, commands));
    return process.exit(process.argv.length > 2 ? EXIT_CODES.ok : EXIT_CODES.usage);
  }
  const command = Object.hasOwn(commands, commandName) ? commands[commandName] : undefined;
  if (command === undefined) {
    process.stderr.write(`${name}: unknown command "${commandName}"\n${usage(name, commands)}`);
    return process.exit(EXIT_CODES.usage);
  }

  const fail = (error: Error): void => {
    logger.error('a part of the process died', { error });
    process.exit(EXIT_CODES.failed);
  };
  const told = Promise.withResolvers<StopSignal>();
  const start = new AbortController();
  let signals = 0;
  const onSignal = (signal: StopSignal): void => {
    signals += 1;
    if (signals > 1) {
      logger.warn('second signal, exiting at once', { signal });
      process.exit(EXIT_CODES.failed);
    }
    logger.info('stopping', { signal });
    start.abort();
    told.resolve(signal);
  };
  process.on('SIGTERM', () => onSignal('SIGTERM'));
  process.on('SIGINT', () => onSignal('SIGINT'));
  process.on('unhandledRejection', (error) => {
    logger.error('unhandled rejection', { error });
    process.exit(EXIT_CODES.failed);
  });
  process.on('uncaughtException', (error) => {
    logger.error('uncaught exception', { error });
    process.exit(EXIT_CODES.failed);
  });

  try {
    const starting = command(args, { signal: start.signal, fail });
    const abandoned = told.promise.then((signal) => after(START_ABORT_MS, signal));
    const outcome = await Promise.race([starting.then((running) => ({ running })), abandoned]);
    if (typeof outcome === 'string') {
      logger.warn('stopped before the start was finished', { command: commandName });
      return process.exit(SIGNAL_EXIT_CODES[outcome]);
    }
    if (outcome.running === undefined) return process.exit(EXIT_CODES.ok);
    await told.promise;
    await stopWithin(stopTimeoutMs, outcome.running);
    logger.info('stopped');
    process.exit(EXIT_CODES.ok);
  } catch (error) {
    report(process, logger, name, error);
    process.exit(EXIT_CODES.failed);
  }
}

function usage(name: string, commands: MainOptions['commands']): string {
  return `usage: ${name} <command>\ncommands: ${Object.keys(commands).join(', ')}\n`;
}

function report(process: MainProcess, logger: Logger, name: string, error: unknown): void {
  if (error instanceof Error && error.name === 'ConfigError') {
    process.stderr.write(`${name}: the configuration is not usable\n${error.message.replace(/^/gm, '  ')}\n`);
    return;
  }
  logger.error('the process failed', { error });
}

async function stopWithin(timeoutMs: number, running: { stop(): Promise<void> }): Promise<void> {
  const timedOut = after(timeoutMs, new Error(`still stopping after ${timeoutMs} ms`));
  const outcome = await Promise.race([running.stop(), timedOut]);
  if (outcome instanceof Error) throw outcome;
}

/** The timer does not keep the process alive. */
function after<T>(delayMs: number, value: T): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  setTimeout(resolve, delayMs, value).unref();
  return promise;
}
