/**
 * One connection to RabbitMQ that comes back.
 *
 *   down ── connect, set up (topology, channels) ──▶ up ── closed, for whatever reason ──▶ down ── pause ──▶ …
 *
 * For ever, with a growing pause; one log line as an outage begins and one as it ends. Whoever waits in ready() is served
 * when the link is up again. `blocked` (the broker is short of memory or disk) is a state of its own: connected, but
 * nothing may be published.
 */
import { pause, within } from '@punctual/lifecycle';
import type { Logger } from '@punctual/telemetry';
import { type ChannelModel, connect } from 'amqplib';
import { backoffMs } from '../backoff.ts';
import { createOutage } from '../outage.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const SETUP_TIMEOUT_MS = 60_000;
const CLOSE_TIMEOUT_MS = 2_000;
const HEARTBEAT_SECONDS = 10;
const RETRY = { firstMs: 100, maxMs: 2_000 };

export type LinkOptions = {
  readonly url: string;
  /** Shown in RabbitMQ's management page. */
  readonly name: string;
  readonly logger: Logger;
  /** Runs on every new connection before anybody gets it. Rejecting closes it, and connecting starts over. */
  setUp(connection: ChannelModel): Promise<void>;
};

export type Link = {
  start(): void;
  /** Closes the connection, and rejects whoever waits. */
  stop(): Promise<void>;
  /** The connection, when it is set up. Rejects when the signal is aborted or the link stopped. */
  ready(signal: AbortSignal): Promise<ChannelModel>;
  /** Gives this connection up, if it is still the one, so that everything is set up anew. */
  reset(connection: ChannelModel, reason: string): void;
  readonly isBlocked: boolean;
  /** Why it is down, if it is. */
  readonly error: Error | undefined;
};

export function createLink({ url, name, logger, setUp }: LinkOptions): Link {
  const outage = createOutage(`RabbitMQ connection ${name}`, logger);
  const stopping = new AbortController();
  const stopped = new Promise<undefined>((resolve) => {
    stopping.signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  let up = Promise.withResolvers<ChannelModel>();
  let current: ChannelModel | undefined;
  let goDown: (reason: Error | undefined) => void = () => undefined;
  let isBlocked = false;
  let loop: Promise<void> | undefined;

  async function run(): Promise<void> {
    for (let failures = 1; !stopping.signal.aborted; failures += 1) {
      try {
        const { connection, closed } = await bringUp();
        failures = 0;
        const reason = await Promise.race([closed, stopped]);
        if (stopping.signal.aborted) await closeQuietly(connection);
        if (!stopping.signal.aborted) outage.failed(reason ?? new Error('connection closed'));
      } catch (error) {
        outage.failed(error);
      }
      if (!stopping.signal.aborted) await pause(backoffMs(Math.max(1, failures), RETRY), stopping.signal);
    }
  }

  async function bringUp(): Promise<{ connection: ChannelModel; closed: Promise<Error | undefined> }> {
    const connection = await connect(withHeartbeat(url), {
      timeout: CONNECT_TIMEOUT_MS,
      noDelay: true,
      clientProperties: { connection_name: name },
    });
    const closed = Promise.withResolvers<Error | undefined>();
    const end = (reason: Error | undefined): void => {
      if (current === connection) {
        current = undefined;
        isBlocked = false;
        up = Promise.withResolvers();
      }
      closed.resolve(reason);
    };
    connection.on('error', (error) => logger.debug('RabbitMQ connection error', { error: error.message }));
    connection.on('blocked', (reason) => {
      isBlocked = true;
      logger.warn('RabbitMQ takes no messages', { reason });
    });
    connection.on('unblocked', () => {
      isBlocked = false;
      logger.info('RabbitMQ takes messages again');
    });
    connection.on('close', end);
    const closedEarly = closed.promise.then((error) => Promise.reject(error ?? new Error('connection closed')));
    try {
      await within(SETUP_TIMEOUT_MS, 'rabbitmq', Promise.race([setUp(connection), closedEarly]));
    } catch (error) {
      await closeQuietly(connection);
      throw error;
    }
    current = connection;
    goDown = end;
    outage.recovered();
    up.resolve(connection);
    return { connection, closed: closed.promise };
  }

  return {
    start() {
      loop ??= run();
    },
    async stop() {
      stopping.abort();
      await loop;
    },
    async ready(signal) {
      const ended = AbortSignal.any([signal, stopping.signal]);
      const aborted = Promise.withResolvers<never>();
      const onAbort = (): void => aborted.reject(outage.error ?? new Error(`RabbitMQ connection ${name} is not up`));
      if (ended.aborted) onAbort();
      ended.addEventListener('abort', onAbort, { once: true });
      try {
        return await Promise.race([up.promise, aborted.promise]);
      } finally {
        ended.removeEventListener('abort', onAbort);
      }
    },
    reset(connection, reason) {
      if (current !== connection || stopping.signal.aborted) return;
      logger.debug('RabbitMQ connection to be set up anew', { reason });
      // Down at once: a broker that hangs would not even answer to being left.
      goDown(new Error(reason));
      void closeQuietly(connection);
    },
    get isBlocked() {
      return isBlocked;
    },
    get error() {
      return current === undefined
        ? (outage.error ?? new Error(`RabbitMQ connection ${name} is not up yet`))
        : undefined;
    },
  };
}

/** Closing a connection that is broken already fails or hangs: it is gone either way. */
export async function closeQuietly(connection: ChannelModel): Promise<void> {
  try {
    await within(CLOSE_TIMEOUT_MS, 'closing the RabbitMQ connection', connection.close());
  } catch {
    return;
  }
}

function withHeartbeat(url: string): string {
  const parsed = new URL(url);
  if (!parsed.searchParams.has('heartbeat')) parsed.searchParams.set('heartbeat', String(HEARTBEAT_SECONDS));
  return parsed.href;
}
