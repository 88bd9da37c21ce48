import {
  databaseConfig,
  discoveryConfig,
  duration,
  durationList,
  httpConfig,
  integer,
  logConfig,
  port,
  rabbitConfig,
  resilienceConfig,
  text,
  url,
} from '@punctual/config';
import { z } from 'zod';

export const configSchema = z.object({
  ...logConfig,
  ...httpConfig,
  ...discoveryConfig,
  ...databaseConfig,
  ...rabbitConfig,
  ...resilienceConfig,
  SMTP_HOST: text(),
  SMTP_PORT: port().default(25),
  SMTP_CONNECTIONS: integer({ min: 1, max: 50 }).default(10),
  /** The longest one sending may take; past it the outcome is unknown and the mail is tried again. */
  SMTP_SEND_TIMEOUT: duration().prefault('40s'),
  MAIL_FROM: text().default('Punctual <shop@punctual.test>'),
  /** Waits before each further attempt: 16 hours in all, so an outage over night loses nothing. */
  MAIL_RETRY_STEPS: durationList().prefault('5s,30s,2m,10m,30m,1h,2h,4h,8h'),
  SHOP_NAME: text().default('Punctual'),
  SHOP_URL: url().default('http://localhost:8080'),
});

export type MailConfig = z.infer<typeof configSchema>;
