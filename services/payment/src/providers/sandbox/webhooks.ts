import { pause } from '@punctual/lifecycle';
import type { Database } from '@punctual/postgres';
import type { WorkerPool } from '@punctual/resilience';
import type { Logger } from '@punctual/telemetry';
import { SIGNATURE_HEADER, sign } from '../signature.ts';
import { type DueWebhook, removeWebhook, takeDueWebhooks } from './ledger.ts';

const BATCH = 20;
const TIMEOUT_MS = 3_000;
/** Some three hours with the pauses in between; who has not answered until then has other ways to ask. */
const MAX_ATTEMPTS = 40;

export type WebhookSenderOptions = {
  db: Database;
  /** Where they go: the shop's own public route. */
  url: string;
  secret: string;
  intervalMs: number;
  /** Bounds how many are sent side by side; the sender stops it. */
  pool: WorkerPool;
  logger: Logger;
};

/** The sandbox tells its client what it did, signed, until it has been heard. Any number of processes may send. */
export function createWebhookSender({ db, url, secret, intervalMs, pool, logger }: WebhookSenderOptions) {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;

  async function post(webhook: DueWebhook): Promise<void> {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', [SIGNATURE_HEADER]: sign(webhook.body, secret, new Date()) },
      body: webhook.body,
      signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`answered ${response.status}`);
  }

  async function send(webhook: DueWebhook): Promise<void> {
    try {
      await post(webhook);
    } catch (error) {
      logger.debug('webhook not delivered, to be tried again', { webhook: webhook.id, error });
      if (webhook.attempts < MAX_ATTEMPTS) return;
      logger.error('webhook given up', { webhook: webhook.id });
    }
    await removeWebhook(db, webhook.id);
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      let sent = 0;
      try {
        const due = await takeDueWebhooks(db, BATCH);
        sent = due.length;
        await Promise.all(due.map((webhook) => pool.submit(() => send(webhook), { whenFull: 'wait' })));
      } catch (error) {
        logger.warn('webhooks wait', { error });
      }
      if (sent < BATCH) await pause(intervalMs, stopping.signal);
    }
  }

  return {
    name: 'sandbox webhooks',
    async start(): Promise<void> {
      await pool.start();
      running ??= run();
    },
    async stop(): Promise<void> {
      stopping.abort();
      await pool.stop();
      await running;
    },
  };
}
