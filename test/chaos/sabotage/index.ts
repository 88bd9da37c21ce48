import { letStockFallBelowZero, placeOrdersWithoutConstraint } from './database.ts';
import { REPLACEMENTS } from './replacements.ts';
import { type Sabotage, spoiled } from './sabotage.ts';

export type { FaultNeed, LoadNeed, Sabotage } from './sabotage.ts';

/** A day of the shop is a minute; timers and outbox rows that still wait then wait for ever. */
const NEVER_AT_REST_MS = 100_000;

const SHORT_DAY_MS = 20_000;

type Description = Omit<Sabotage, 'replacements' | 'serviceEnvironment'> & { readonly services: readonly string[] };

const DESCRIPTIONS: readonly Description[] = [
  {
    name: 'unconditional-stock-update',
    about: 'Stock is taken without looking whether it is there.',
    caughtBy: 'I1',
    services: ['product'],
    needs: { load: ['hot-product'], faults: [] },
    shopDayMs: SHORT_DAY_MS,
    prepare: letStockFallBelowZero,
  },
  {
    name: 'lock-instead-of-constraint',
    about: 'The Redis lock alone keeps a request from making two orders; the unique constraint is gone.',
    caughtBy: 'I2',
    services: [],
    needs: { load: ['twins'], faults: [{ name: 'redis-down' }] },
    prepare: placeOrdersWithoutConstraint,
  },
  {
    name: 'publish-before-commit',
    about: 'Events leave before the transaction that they tell of is committed.',
    caughtBy: 'I3',
    services: ['order'],
    needs: { load: ['cancels', 'payments'], faults: [{ name: 'kill', target: 'order' }] },
  },
  {
    name: 'stock-kept-after-cancel',
    about: 'Product does not hear of cancelled orders, whose pieces stay reserved for ever.',
    caughtBy: 'I4',
    services: ['product'],
    needs: { load: ['cancels'], faults: [] },
    shopDayMs: SHORT_DAY_MS,
  },
  {
    name: 'no-refund-of-late-capture',
    about: 'Money that is captured after its order was cancelled is not given back.',
    caughtBy: 'I5',
    services: ['payment'],
    needs: { load: ['slow-cards', 'cancels'], faults: [] },
  },
  {
    name: 'inbox-off',
    about: 'Consumers do not remember what they have seen: a message that comes again has its effect again.',
    caughtBy: 'I6',
    services: ['auth', 'product', 'order', 'payment'],
    needs: { load: ['declined-cards'], faults: [{ name: 'triple-delivery' }] },
  },
  {
    name: 'reminder-without-recheck',
    about: 'A reminder that comes due is mailed without looking whether the order was paid meanwhile.',
    caughtBy: 'I7',
    services: ['order'],
    needs: { load: ['payments'], faults: [] },
  },
  {
    name: 'sweeper-off',
    about: 'Nobody looks for timers whose wake-up the broker has lost.',
    caughtBy: 'I8',
    services: ['order'],
    needs: { load: [], faults: [{ name: 'rabbit-wipe' }] },
    restLimitMs: NEVER_AT_REST_MS,
  },
  {
    name: 'relay-gives-up',
    about: 'The relay of the outbox ends with the first error instead of trying again.',
    caughtBy: 'I9',
    services: ['order'],
    // A publish to Kafka waits out a short absence by itself; one to RabbitMQ fails with its connection.
    needs: { load: [], faults: [{ name: 'rabbit-restart' }] },
    restLimitMs: NEVER_AT_REST_MS,
  },
  {
    name: 'reads-from-the-replica',
    about: 'An order is read from the replica, however far it is behind.',
    caughtBy: 'I10',
    services: ['order'],
    needs: { load: ['reads'], faults: [{ name: 'replica-delay' }] },
  },
];

/** Every sabotage that a run can be told to play, one for each invariant. */
export const SABOTAGES: readonly Sabotage[] = DESCRIPTIONS.map(({ services, ...sabotage }) => ({
  ...sabotage,
  replacements: REPLACEMENTS[sabotage.name] ?? [],
  serviceEnvironment: spoiled(sabotage.name, services),
}));
