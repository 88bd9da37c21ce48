import {
  bool,
  databaseConfig,
  discoveryConfig,
  duration,
  durationList,
  grpcConfig,
  httpConfig,
  identityConfig,
  integer,
  kafkaConfig,
  logConfig,
  rabbitConfig,
  redisConfig,
  resilienceConfig,
  timeConfig,
} from '@punctual/config';
import { z } from 'zod';
import { MAX_REMINDERS } from './domain/timers.ts';

/** Far beyond what a person can have open; they are counted with each order. */
const MAX_OPEN = 10_000;

/** What migrations need. */
export const databaseSchema = z.object({ ...databaseConfig, ...logConfig });

export const configSchema = z
  .object({
    ...databaseSchema.shape,
    ...httpConfig,
    ...grpcConfig,
    ...discoveryConfig,
    ...resilienceConfig,
    ...kafkaConfig,
    ...rabbitConfig,
    ...redisConfig,
    ...identityConfig,
    ...resilienceConfig,
    ...timeConfig,
    /** Of an unpaid order, from its creation. */
    ORDER_REMINDERS: durationList().prefault('4h,12h,22h'),
    /** Until here an order can be paid; a paid one is complete then. */
    ORDER_EXPIRY: duration().prefault('24h'),
    /** Unpaid orders that a user may have at once, each of which holds stock; 0 for any number. */
    ORDER_MAX_OPEN: integer({ min: 0, max: MAX_OPEN }).default(50),
    /** Whether an order may be paid without a card: the sandbox's test card pays it then. Never in production. */
    PAY_WITH_TEST_CARD: bool().default(false),
    SWEEP_INTERVAL: duration().prefault('1s'),
    SWEEP_GRACE: duration().prefault('2s'),
    /** How long the mail service's first receipt for a job is waited for before the job is published again. */
    RECEIPT_WAIT: duration().prefault('10m'),
  })
  .superRefine(({ ORDER_REMINDERS: reminders, ORDER_EXPIRY: expiry, PAY_WITH_TEST_CARD, NODE_ENV }, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', path: ['ORDER_REMINDERS'], message });
    if (PAY_WITH_TEST_CARD && NODE_ENV === 'production') {
      context.addIssue({ code: 'custom', path: ['PAY_WITH_TEST_CARD'], message: 'false when NODE_ENV is production' });
    }
    if (reminders.length > MAX_REMINDERS) problem(`at most ${MAX_REMINDERS} reminders`);
    if ((reminders.at(-1) ?? 0) >= expiry) problem('reminders before ORDER_EXPIRY');
  });

export type DatabaseConfig = z.infer<typeof databaseSchema>;
export type OrderConfig = z.infer<typeof configSchema>;
