import { randomUUID } from 'node:crypto';
import { MAX_IDS_PER_RECEIPT, type Receipt } from '@punctual/contracts';
import type { Component } from '@punctual/lifecycle';
import type { Logger } from '@punctual/telemetry';
import { reasonOf } from '../judge.ts';
import type { RabbitConnection, RabbitMessage } from '../rabbit/connection.ts';
import { RECEIPTS } from '../topology.ts';
import { RECEIPT, type Receivable } from './receipt.ts';

const DEFAULT_INTERVAL_MS = 1_000;
const SENDER = /^\/([a-z][a-z-]{0,60})$/;

/** The receiver's side of receipt.ts. stop() sends what was gathered; stop the consumers first. */
export type Receipts = Component & {
  /** Something is finished with, for good. Never throws. Messages that no service of ours has sent are passed over. */
  add(message: Receivable): void;
};

export type ReceiptsOptions = {
  readonly rabbit: RabbitConnection;
  readonly logger: Logger;
  /** Who gives the receipts, such as `/mail`. */
  readonly source: string;
  /** How long receipts are gathered; 1 s. It also lets the sender's relay note down first what it has sent. */
  readonly intervalMs?: number;
};

/** Gathers receipts and sends them now and then, a message for each sender, so that they cost next to nothing. */
export function createReceipts(options: ReceiptsOptions): Receipts {
  const { rabbit, logger, source, intervalMs = DEFAULT_INTERVAL_MS } = options;
  let gathered = new Map<string, Set<string>>();
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> = Promise.resolve();

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    const messages = [...gathered].flatMap(([sender, ids]) => messagesTo(sender, [...ids], source));
    gathered = new Map();
    if (messages.length > 0) sending = Promise.all([sending, send(messages)]).then(() => undefined);
  }

  async function send(messages: readonly RabbitMessage[]): Promise<void> {
    try {
      await rabbit.publish(messages);
    } catch (error) {
      // The messages come again, and so do their receipts.
      logger.debug('receipts not sent', { error: reasonOf(error) });
    }
  }

  return {
    name: 'receipts',
    start: async () => undefined,
    async stop() {
      flush();
      await sending;
    },
    add({ id, source: from }) {
      const sender = SENDER.exec(from)?.[1];
      if (sender === undefined) return;
      const ids = gathered.get(sender) ?? new Set();
      gathered.set(sender, ids.add(id));
      timer ??= setTimeout(flush, intervalMs);
    },
  };
}

function messagesTo(sender: string, ids: readonly string[], source: string): RabbitMessage[] {
  const messages: RabbitMessage[] = [];
  for (let start = 0; start < ids.length; start += MAX_IDS_PER_RECEIPT) {
    const data: Receipt = { message_ids: ids.slice(start, start + MAX_IDS_PER_RECEIPT) };
    const attributes = { id: randomUUID(), type: RECEIPT, source, subject: sender, time: new Date().toISOString() };
    messages.push({ exchange: RECEIPTS, routingKey: sender, envelope: { ...attributes, data, attempt: 1 } });
  }
  return messages;
}
