import { parseDuration } from '@punctual/config';
import { z } from 'zod';

/**
 * Every setting that can be changed while services run: the one list from which services, the admin route, the command and the
 * documentation take keys, shapes and meanings. A value is kept as JSON; what services get of it is what the schema makes of it.
 */

/** Those with a log; each can be told apart from the others. */
const LOGGING_SERVICES = ['auth', 'product', 'order', 'payment', 'mail', 'gateway'] as const;
/** Those that the gateway limits. */
const LIMITED_SERVICES = ['auth', 'product', 'order', 'payment', 'graphql'] as const;
const MAX_RATE = 1_000_000;
const MAX_REMINDERS = 10;

/** `T` is what a service reads. */
export type Setting<T> = {
  readonly key: string;
  readonly about: string;
  /** What holds while it is not set. */
  readonly defaultFrom: string;
  /** As somebody would write it. */
  readonly example: unknown;
  readonly schema: z.ZodType<T>;
};

const level = z.enum(['debug', 'info', 'warn', 'error', 'silent']);
const rate = z
  .strictObject({ per_second: z.number().positive().max(MAX_RATE), burst: z.int().positive().max(MAX_RATE) })
  .transform(({ per_second: perSecond, burst }) => ({ perSecond, burst }));
const durationText = z.string().transform((text, context) => {
  const durationMs = parseDuration(text);
  if (durationMs === undefined) context.addIssue({ code: 'custom', message: 'must be a duration such as 24h or 10m' });
  return durationMs ?? z.NEVER;
});
const timers = z
  .strictObject({ reminders: z.array(durationText).min(1).max(MAX_REMINDERS), expiry: durationText })
  .transform(({ reminders, expiry }) => ({ remindersMs: reminders, expiryMs: expiry }))
  .superRefine(({ remindersMs, expiryMs }, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', path: ['reminders'], message });
    if (remindersMs.some((delayMs, index) => delayMs <= (remindersMs[index - 1] ?? 0))) problem('must ascend');
    if ((remindersMs.at(-1) ?? 0) >= expiryMs) problem('must all be before the expiry');
  });

export type LogLevelSetting = z.output<typeof level>;
export type RateLimit = z.output<typeof rate>;
/** On the shop's calendar, in milliseconds; reminders ascending and before the expiry. */
export type OrderTimers = z.output<typeof timers>;

export const LOG_LEVEL: Setting<LogLevelSetting> = {
  key: 'log_level',
  about: 'How much every service writes to its log.',
  defaultFrom: 'LOG_LEVEL of each service',
  example: 'debug',
  schema: level,
};
const LOG_LEVEL_OF = LOGGING_SERVICES.map(
  (service): Setting<LogLevelSetting> => ({
    key: `log_level.${service}`,
    about: `The same for ${service} alone.`,
    defaultFrom: '`log_level`',
    example: 'debug',
    schema: level,
  }),
);

export const RATE_LIMIT: Setting<RateLimit> = {
  key: 'rate_limit',
  about: 'Requests of one client to one service at the gateway: so many a second, and so many at once.',
  defaultFrom: 'RATE_LIMIT_PER_SECOND and RATE_LIMIT_BURST of the gateway',
  example: { per_second: 100, burst: 200 },
  schema: rate,
};
const RATE_LIMIT_OF = LIMITED_SERVICES.map(
  (service): Setting<RateLimit> => ({
    key: `rate_limit.${service}`,
    about: `The same for ${service} alone.`,
    defaultFrom: `RATE_LIMIT_SERVICES of the gateway for ${service}, else \`rate_limit\``,
    example: { per_second: 10, burst: 20 },
    schema: rate,
  }),
);

export const REGISTRATION_OPEN: Setting<boolean> = {
  key: 'flags.registration_open',
  about:
    'Whether new customers may register; when not, whoever tries is answered 403 FORBIDDEN, over HTTP, gRPC and GraphQL.',
  defaultFrom: 'true',
  example: false,
  schema: z.boolean(),
};
export const SEARCH_OPENSEARCH: Setting<boolean> = {
  key: 'flags.search_opensearch',
  about: 'Whether product search asks OpenSearch, where there is one; when not, Postgres answers.',
  defaultFrom: 'true',
  example: false,
  schema: z.boolean(),
};

export const ORDER_TIMERS: Setting<OrderTimers> = {
  key: 'order.timers',
  about:
    'When an unpaid order that is placed from now on reminds its customer, and when it expires. Placed ones keep theirs.',
  defaultFrom: 'ORDER_REMINDERS and ORDER_EXPIRY of order',
  example: { reminders: ['4h', '12h', '22h'], expiry: '24h' },
  schema: timers,
};

export const SETTINGS: readonly Setting<unknown>[] = [
  LOG_LEVEL,
  ...LOG_LEVEL_OF,
  RATE_LIMIT,
  ...RATE_LIMIT_OF,
  REGISTRATION_OPEN,
  SEARCH_OPENSEARCH,
  ORDER_TIMERS,
];

export function findSetting(key: string): Setting<unknown> | undefined {
  return SETTINGS.find((setting) => setting.key === key);
}

/** Undefined for a service without such a setting. */
export function logLevelOf(service: string): Setting<LogLevelSetting> | undefined {
  return LOG_LEVEL_OF.find(({ key }) => key === `log_level.${service}`);
}

export function rateLimitOf(service: string): Setting<RateLimit> | undefined {
  return RATE_LIMIT_OF.find(({ key }) => key === `rate_limit.${service}`);
}

export type SettingProblem = { readonly field: string; readonly message: string };
export type ReadSetting<T> = { readonly value: T } | { readonly problems: readonly SettingProblem[] };

/** What a service would make of a value, or everything that is wrong with it; `value` names the whole. */
export function readSetting<T>(setting: Setting<T>, value: unknown): ReadSetting<T> {
  const parsed = setting.schema.safeParse(value);
  if (parsed.success) return { value: parsed.data };
  return {
    problems: parsed.error.issues.map(({ path, message }) => ({
      field: ['value', ...path.map(String)].join('.'),
      message,
    })),
  };
}
