import { setTimeout as delay } from 'node:timers/promises';
import { type Component, pause, within } from '@punctual/lifecycle';
import type { Logger, Metrics } from '@punctual/telemetry';
import type { Etcd } from '../etcd/etcd.ts';
import { type InstanceRecord, serviceFolder } from './instance-record.ts';

/** etcd looks for expired leases twice a second, so a dead instance is gone after 4 s at the latest. */
const LEASE_TTL_SECONDS = 3;
const KEEP_ALIVE_EVERY_MS = 1_000;
const RETRY_AFTER_MS = 500;
/** An instance that cannot take its record back by then leaves it to expire. */
const LEAVE_TIMEOUT_MS = 500;
/** Between leaving and closing the ports, so that callers have heard of it. */
const LEAVE_PAUSE_MS = 100;

export type RegistrationOptions = {
  readonly etcd: Etcd;
  readonly prefix: string;
  readonly service: string;
  /** Tells this instance from the service's others. */
  readonly instance: string;
  /** Asked once the component starts, when the servers listen. */
  readonly describe: () => InstanceRecord;
  readonly logger: Logger;
  readonly metrics: Metrics;
};

/**
 * Keeps this instance in the service's list, as long as it runs:
 *
 *   absent ── lease granted and record written ──▶ registered ── kept alive every second ──▶ registered
 *   registered ── etcd away ──▶ registered, asked again; the lease may expire meanwhile
 *   registered ── etcd does not know the lease ──▶ absent, at once again
 *   any ── stop ──▶ lease revoked, then a short pause; left to expire when etcd is slow
 *
 * Nothing waits for etcd: a service starts and serves without it.
 */
export function createRegistration(options: RegistrationOptions): Component {
  const { etcd, prefix, service, instance, describe, logger, metrics } = options;
  const key = serviceFolder(prefix, service) + instance;
  const stopping = new AbortController();
  const registered = metrics.gauge({
    name: 'discovery_registered',
    help: 'Whether this instance is registered: 1 or 0',
  });
  let lease: string | undefined;
  let running: Promise<void> = Promise.resolve();
  registered.set(0);

  async function run(record: string): Promise<void> {
    while (!stopping.signal.aborted) {
      const isWell = await step(record);
      await pause(isWell ? KEEP_ALIVE_EVERY_MS : RETRY_AFTER_MS, stopping.signal);
    }
  }

  /** Never rejects: what etcd did not do is done at the next step. */
  async function step(record: string): Promise<boolean> {
    try {
      if (lease !== undefined && !(await etcd.keepLeaseAlive(lease))) {
        logger.warn('the registration had expired, registering again', { key });
        lease = undefined;
        registered.set(0);
      }
      if (lease !== undefined) return true;
      const granted = await etcd.grantLease(LEASE_TTL_SECONDS);
      await etcd.write([{ put: key, value: record, lease: granted }]);
      lease = granted;
      registered.set(1);
      logger.info('registered', { key, record });
      return true;
    } catch (error) {
      logger.debug('etcd did not take the registration', { key, error });
      return false;
    }
  }

  async function leave(): Promise<void> {
    await running;
    if (lease !== undefined) await etcd.revokeLease(lease);
  }

  return {
    name: 'registration',
    start() {
      running = run(JSON.stringify(describe()));
      return Promise.resolve();
    },
    async stop() {
      stopping.abort();
      try {
        await within(LEAVE_TIMEOUT_MS, 'taking the registration back', leave());
        if (lease !== undefined) await delay(LEAVE_PAUSE_MS);
      } catch (error) {
        logger.warn('the registration was not taken back and will expire', { key, error });
      }
      registered.set(0);
    },
  };
}
