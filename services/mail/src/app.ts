import { createCoordination } from '@punctual/coordination';
import { createHttpApp, httpServer, type ReadinessCheck } from '@punctual/http';
import { lifecycle } from '@punctual/lifecycle';
import { createRabbit, createReceipts, shopTopology } from '@punctual/messaging';
import { type DatabaseSettings, type Direction, migrate, openDatabase, withDatabase } from '@punctual/postgres';
import { createPolicies } from '@punctual/resilience';
import { createLogger, createMetrics, type Logger } from '@punctual/telemetry';
import packageJson from '../package.json' with { type: 'json' };
import { createDeliverMails } from './commands/deliver-mails.ts';
import type { MailConfig } from './config.ts';
import { consumeMailJobs } from './events/mail-jobs.ts';
import { createRenderer } from './rendering.ts';
import { createSmtpSender } from './smtp.ts';
import { migrations } from './store/migrations.ts';

const SERVICE = 'mail';

/** `api` answers health and metrics, `worker` sends (and answers them too, since it is what can be unwell), `all` is both. */
export type Role = 'api' | 'worker' | 'all';

export type MailApp = { start(): Promise<void>; stop(): Promise<void>; readonly url: string };

/** The composition root: nothing is connected before start(). */
export function buildApp(
  config: MailConfig,
  { role, logger = loggerOf(config) }: { role: Role; logger?: Logger },
): MailApp {
  const metrics = createMetrics(SERVICE);
  metrics.processMetrics();
  const db = openDatabase(primaryOnly(config), { service: SERVICE, logger });
  const policies = createPolicies(config, { logger, metrics });
  const readiness: ReadinessCheck[] = [{ name: 'postgres', check: () => db.ping() }];
  const app = lifecycle(logger);
  const coordination = createCoordination(config, { service: SERVICE, version: packageJson.version, logger, metrics });
  app.add(coordination);
  app.add({ name: 'postgres', start: async () => undefined, stop: () => db.close() });

  if (role !== 'api') {
    const rabbit = createRabbit({ url: config.RABBITMQ_URL, name: SERVICE, logger, metrics });
    rabbit.declare(shopTopology({ delayStrategy: config.DELAY_STRATEGY, mailRetryStepsMs: config.MAIL_RETRY_STEPS }));
    const smtp = createSmtpSender({
      host: config.SMTP_HOST,
      port: config.SMTP_PORT,
      connections: config.SMTP_CONNECTIONS,
      sendTimeoutMs: config.SMTP_SEND_TIMEOUT,
      policies,
    });
    const deliver = createDeliverMails({
      db,
      smtp,
      renderer: createRenderer({ name: config.SHOP_NAME, url: config.SHOP_URL }),
      from: config.MAIL_FROM,
      sendTimeoutMs: config.SMTP_SEND_TIMEOUT,
      logger,
      metrics,
    });
    const receipts = createReceipts({ rabbit, logger, source: `/${SERVICE}` });
    const consumer = consumeMailJobs({
      rabbit,
      receipts,
      db,
      deliver,
      connections: config.SMTP_CONNECTIONS,
      retryStepsMs: config.MAIL_RETRY_STEPS,
    });
    readiness.push({ name: 'rabbitmq', check: () => consumer.ping() });
    app.add({ name: 'smtp', start: async () => undefined, stop: async () => smtp.close() });
    app.add(rabbit);
    app.add(receipts);
    app.add(consumer);
  }

  const http = createHttpApp({
    service: SERVICE,
    logger,
    metrics,
    routes: [],
    readiness,
    dependencies: policies.states,
  });
  const server = httpServer({ app: http, host: config.HOST, port: config.PORT, logger });
  app.add(server);
  if (role !== 'worker') app.add(coordination.registration({ http: () => server.port }));
  return {
    start: () => app.start(),
    stop: () => app.stop(),
    get url() {
      return server.url;
    },
  };
}

/** Brings the database's schema up to date, or takes the last step back. */
export async function migrateDatabase(config: MailConfig, direction: Direction): Promise<void> {
  const logger = loggerOf(config);
  await withDatabase(primaryOnly(config), { service: SERVICE, logger }, (db) =>
    migrate(db, migrations, { direction, logger }),
  );
}

function loggerOf(config: MailConfig): Logger {
  return createLogger({ service: SERVICE, level: config.LOG_LEVEL });
}

/** Everything here is a decision, so there is no replica: the ledger is read where it is written. */
function primaryOnly({ DATABASE_URL, DATABASE_POOL_MAX }: MailConfig): DatabaseSettings {
  return { DATABASE_URL, DATABASE_POOL_MAX };
}
