/** What each sabotage makes of the sources; kept apart from the rest so that the hook loads nothing else into a service. */
import type { Replacement } from './sabotage.ts';

/** While the commit takes its time the message is out already: a process killed in between has told what never was. */
const COMMIT_DELAY_MS = 1_500;

export const REPLACEMENTS: Readonly<Record<string, readonly Replacement[]>> = {
  'inbox-off': [
    {
      file: 'packages/messaging/src/inbox.ts',
      find: 'return [...byId.values()].filter((envelope) => fresh.has(envelope.id));',
      replace: 'return fresh.size < 0 ? [] : [...envelopes];',
    },
  ],
  'publish-before-commit': [
    {
      file: 'packages/messaging/src/outbox/outbox.ts',
      find: 'await tx.raw(INSERT, [',
      replace: 'await outsideOfTheTransaction(tx, [',
    },
    {
      file: 'packages/messaging/src/outbox/outbox.ts',
      find: 'function encode({ type, data }: OutboxMessage): string {',
      replace: `let outside: any;
async function outsideOfTheTransaction(tx: any, columns: string[][]): Promise<void> {
  outside ??= new tx.client.driver.Pool({ ...tx.client.config.connection, ...tx.client.connectionSettings, max: 2 });
  let position = 0;
  await outside.query(INSERT.replaceAll('?', () => '$' + ++position), columns);
  if (!columns[0]?.includes('kafka')) return;
  await new Promise((resolve) => setTimeout(resolve, ${COMMIT_DELAY_MS}));
}

function encode({ type, data }: OutboxMessage): string {`,
    },
  ],
  'lock-instead-of-constraint': [],
  'unconditional-stock-update': [
    {
      file: 'services/product/src/domain/stock.ts',
      find: 'return available < quantity ? [{ productId, requested: quantity, available }] : [];',
      replace: 'return row === undefined ? [{ productId, requested: quantity, available }] : [];',
    },
    {
      file: 'services/product/src/domain/stock.ts',
      find: 'if (moved.available < 0 || moved.reserved < 0 || moved.sold < 0) {',
      replace: 'if (moved.reserved < 0 || moved.sold < 0) {',
    },
    {
      file: 'services/product/src/store/stock-store.ts',
      find: `WHERE s.product_id = c."productId" AND s.available + c.available >= 0`,
      replace: `WHERE s.product_id = c."productId"`,
    },
  ],
  'sweeper-off': [
    {
      file: 'services/order/src/timers/sweeper.ts',
      find: 'await sweepTimers(() => lease.isHeld());',
      replace: 'void sweepTimers;',
    },
  ],
  'stock-kept-after-cancel': [
    {
      file: 'services/product/src/events/orders.ts',
      find: `  'order.cancelled': events['order.cancelled'].data,\n`,
      replace: '',
    },
  ],
  'no-refund-of-late-capture': [
    {
      file: 'services/payment/src/domain/payment.ts',
      find: 'return backFor === undefined ? succeeded : (wantRefund(succeeded, backFor, at) ?? succeeded);',
      replace: 'return succeeded;',
    },
  ],
  'reminder-without-recheck': [
    {
      file: 'services/order/src/store/timers.ts',
      find: `AND (kind <> 'expiry' OR order_id = ANY(CAST(:endedIds AS bigint[])))`,
      replace: 'AND order_id = ANY(CAST(:endedIds AS bigint[]))',
    },
    {
      file: 'services/order/src/domain/timers.ts',
      find: `    case 'PAID':\n`,
      replace: `    case 'PAID':\n      if (!expired) return remind(reminders, expiry, now);\n`,
    },
  ],
  'relay-gives-up': [
    {
      file: 'packages/messaging/src/outbox/lane.ts',
      find: 'await pause(backoffMs(failures, RETRY), signal);\n      continue;',
      replace: 'return;',
    },
  ],
  'reads-from-the-replica': [
    {
      file: 'services/order/src/queries/orders.ts',
      find: 'return await findOrder(db.primary, id, scope);',
      replace: 'return await findOrder(db.replica, id, scope);',
    },
  ],
};
