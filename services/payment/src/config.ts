import {
  databaseConfig,
  discoveryConfig,
  duration,
  grpcConfig,
  httpConfig,
  identityConfig,
  integer,
  kafkaConfig,
  logConfig,
  port,
  resilienceConfig,
  secret,
  text,
  url,
} from '@punctual/config';
import { z } from 'zod';

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
    ...identityConfig,
    /** No default: who forgets it must not hand out goods for play money. */
    PAYMENT_PROVIDER: z.enum(['sandbox', 'stripe']),
    /** Of one call of the provider. */
    PROVIDER_TIMEOUT: duration().prefault('5s'),
    /** How long a capture may be without an outcome before the provider is asked what became of it. */
    RECONCILE_AFTER: duration().prefault('10s'),
    FOLLOW_UP_INTERVAL: duration().prefault('500ms'),
    /** Failed calls in a row until the provider is left alone. */
    PROVIDER_BREAK_AFTER: integer({ min: 1, max: 1_000 }).default(5),
    PROVIDER_CONCURRENCY: integer({ min: 1, max: 1_000 }).default(20),
    SANDBOX_WEBHOOK_SECRET: secret('the secret that signs webhooks of the sandbox').optional(),
    /** Where the sandbox sends them: this service's public route. It sends none when absent. */
    WEBHOOK_URL: url({ example: 'http://localhost:8080/payments/webhooks/sandbox' }).optional(),
    STRIPE_SECRET_KEY: secret('a secret key of Stripe').optional(),
    STRIPE_WEBHOOK_SECRET: secret('the secret with which Stripe signs webhooks').optional(),
    /** Another address than Stripe's own. */
    STRIPE_API_PROTOCOL: z.enum(['https', 'http']).default('https'),
    STRIPE_API_HOST: text().default('api.stripe.com'),
    STRIPE_API_PORT: port().prefault('443'),
  })
  .superRefine((config, context) => {
    const problem = (name: string, message: string) => context.addIssue({ code: 'custom', path: [name], message });
    if (config.RECONCILE_AFTER <= config.PROVIDER_TIMEOUT)
      problem('RECONCILE_AFTER', 'a duration beyond PROVIDER_TIMEOUT');
    if (config.PAYMENT_PROVIDER === 'sandbox' && config.SANDBOX_WEBHOOK_SECRET === undefined)
      problem('SANDBOX_WEBHOOK_SECRET', 'the secret that signs webhooks of the sandbox');
    if (config.PAYMENT_PROVIDER === 'stripe') {
      if (config.STRIPE_SECRET_KEY === undefined) problem('STRIPE_SECRET_KEY', 'a secret key of Stripe');
      if (config.STRIPE_WEBHOOK_SECRET === undefined)
        problem('STRIPE_WEBHOOK_SECRET', 'the secret with which Stripe signs webhooks');
    }
  });

export type DatabaseConfig = z.infer<typeof databaseSchema>;
export type PaymentConfig = z.infer<typeof configSchema>;
