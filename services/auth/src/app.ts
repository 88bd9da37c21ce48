import { AuthServiceDefinition, UserServiceDefinition } from '@punctual/contracts/grpc/auth';
import { createCoordination, REGISTRATION_OPEN } from '@punctual/coordination';
import { createGrpcServer } from '@punctual/grpc';
import {
  createHttpApp,
  createLocalVerifier,
  httpServer,
  type MountedRoute,
  type ReadinessCheck,
  readServiceDocs,
  type Verifier,
} from '@punctual/http';
import { lifecycle, together } from '@punctual/lifecycle';
import { createKafka, createRabbit, createRelay, shopTopology } from '@punctual/messaging';
import { type Database, type Direction, migrate, openDatabase, withDatabase } from '@punctual/postgres';
import { createLogger, createMetrics, type Logger, type Metrics } from '@punctual/telemetry';
import packageJson from '../package.json' with { type: 'json' };
import { type AccountRequests, createAccountRequests } from './commands/account-requests.ts';
import { AdminRefused, createAdmin } from './commands/create-admin.ts';
import { createRefreshTwins } from './commands/refresh-twins.ts';
import { seed } from './commands/seed.ts';
import type { AuthConfig, CreateAdminConfig, DatabaseOnlyConfig } from './config.ts';
import { mapError } from './errors.ts';
import { authService } from './grpc/auth-service.ts';
import { userService } from './grpc/user-service.ts';
import { authRoutes } from './http/routes.ts';
import { userRoutes } from './http/user-routes.ts';
import { createPruner } from './pruner.ts';
import { createAccessTokens } from './security/access-tokens.ts';
import { createCodeHasher } from './security/code-hasher.ts';
import { createPasswords } from './security/passwords.ts';
import { loadSigningKeys, type SigningKeys } from './security/signing-keys.ts';
import { migrations } from './store/migrations.ts';

const SERVICE = 'auth';
/** For a command that hashes one password after the other. */
const ONE_AT_A_TIME = { concurrency: 1, maxWaiting: 10 };
const ADMIN_SAYINGS = {
  created: 'is a new administrator',
  promoted: 'is an administrator now; the role is in the next access token',
  'is-admin': 'was an administrator already',
} as const;

/** `api` answers requests, `worker` carries the outbox to the brokers and prunes; `all` is both. */
export type Role = 'api' | 'worker' | 'all';

export type AuthApp = {
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly url: string;
  /** `host:port`; empty in a worker, which answers no calls. */
  readonly grpcAddress: string;
};

export type BuildOptions = { readonly role: Role; readonly logger?: Logger };

/** The composition root: nothing is connected before start(). */
export async function buildApp(
  config: AuthConfig,
  { role, logger = loggerOf(config) }: BuildOptions,
): Promise<AuthApp> {
  const metrics = createMetrics(SERVICE);
  metrics.processMetrics();
  const db = openDatabase(config, { service: SERVICE, logger, metrics });
  // Requests need no broker, so a broker's outage does not turn logins away: only a worker without api is unready then.
  const readiness: ReadinessCheck[] = [{ name: 'postgres', check: () => db.ping() }];
  const app = lifecycle(logger);
  const coordination = createCoordination(config, { service: SERVICE, version: packageJson.version, logger, metrics });
  app.add(coordination);
  app.add({ name: 'postgres', start: async () => undefined, stop: () => db.close() });

  let wakeRelay = (): void => undefined;
  if (role !== 'api') {
    const kafka = createKafka({
      brokers: config.KAFKA_BROKERS,
      clientId: SERVICE,
      topicPrefix: config.KAFKA_TOPIC_PREFIX,
      logger,
      metrics,
    });
    const rabbit = createRabbit({ url: config.RABBITMQ_URL, name: SERVICE, logger, metrics });
    rabbit.declare(shopTopology({ delayStrategy: config.DELAY_STRATEGY }));
    const relay = createRelay({
      db,
      kafka,
      rabbit,
      logger,
      metrics,
      source: `/${SERVICE}`,
      leaseName: 'auth-relay',
      receiptWaitMs: config.RECEIPT_WAIT,
    });
    wakeRelay = () => relay.wake();
    if (role === 'worker') {
      readiness.push({ name: 'kafka', check: () => kafka.ping() }, { name: 'rabbitmq', check: () => rabbit.ping() });
    }
    app.add(kafka);
    app.add(rabbit);
    app.add(relay);
    app.add(createPruner({ db, logger }));
  }

  const registration = coordination.settings.follow(REGISTRATION_OPEN);
  const isRegistrationOpen = () => registration.current ?? true;
  const keys = await loadSigningKeys(config.JWT_SIGNING_KEY, config.JWT_RETIRED_KEYS);
  const verifier = ownVerifier(config, keys);
  const routes: MountedRoute[] = [];
  const accounts =
    role === 'worker' ? undefined : buildAccounts(config, { db, logger, metrics, keys, wakeRelay, isRegistrationOpen });
  if (accounts !== undefined) routes.push(...authRoutes({ accounts, keys }), ...userRoutes({ db, wakeRelay }));
  const grpc =
    accounts &&
    createGrpcServer({
      service: SERVICE,
      host: config.HOST,
      port: config.GRPC_PORT,
      services: [
        { definition: AuthServiceDefinition, implementation: authService(accounts) },
        { definition: UserServiceDefinition, implementation: userService(db) },
      ],
      verifier,
      serviceKey: config.SERVICE_KEY,
      mapError,
      logger,
      metrics,
    });
  const docs = readServiceDocs(SERVICE);
  const http = createHttpApp({ service: SERVICE, logger, metrics, verifier, routes, readiness, mapError, docs });
  const server = httpServer({ app: http, host: config.HOST, port: config.PORT, logger });
  app.add(together('servers', grpc === undefined ? [server] : [grpc, server]));
  if (role !== 'worker') app.add(coordination.registration({ http: () => server.port, grpc: () => grpc?.address }));
  return {
    start: () => app.start(),
    stop: () => app.stop(),
    get url() {
      return server.url;
    },
    get grpcAddress() {
      return grpc?.address ?? '';
    },
  };
}

/** Brings the database's schema up to date, or takes the last step back. */
export async function migrateDatabase(config: DatabaseOnlyConfig, direction: Direction): Promise<void> {
  const logger = loggerOf(config);
  await withDatabase(config, { service: SERVICE, logger }, (db) => migrate(db, migrations, { direction, logger }));
}

/** Adds the demo accounts. Their passwords are in the documentation, so production refuses. */
export async function seedDemoAccounts(config: DatabaseOnlyConfig): Promise<void> {
  if (config.NODE_ENV === 'production') {
    throw new Error('the demo accounts have published passwords: seed refuses to run with NODE_ENV=production');
  }
  const logger = loggerOf(config);
  await withDatabase(config, { service: SERVICE, logger }, async (db) => {
    const added = await seed({ db, passwords: createPasswords(ONE_AT_A_TIME) });
    logger.info('demo accounts seeded', { added });
  });
}

/** Adds an admin or makes one of a user; returns what it did, in words. Throws AdminRefused. */
export async function makeAdmin(
  config: CreateAdminConfig,
  { email, password }: { email: string; password: string | undefined },
): Promise<string> {
  return await withDatabase(config, { service: SERVICE, logger: loggerOf(config) }, async (db) => {
    const passwords = createPasswords(ONE_AT_A_TIME);
    const deps = { db, passwords, demoLoginsAllowed: config.NODE_ENV !== 'production' };
    return `${email} ${ADMIN_SAYINGS[await createAdmin(deps, { email, password })]}`;
  });
}

/** Whether the mistake is of whoever typed the command. */
export function isAdminRefused(error: unknown): error is Error {
  return error instanceof AdminRefused;
}

type AccountParts = {
  db: Database;
  logger: Logger;
  metrics: Metrics;
  keys: SigningKeys;
  wakeRelay: () => void;
  isRegistrationOpen: () => boolean;
};

function buildAccounts(
  config: AuthConfig,
  { db, logger, metrics, keys, wakeRelay, isRegistrationOpen }: AccountParts,
): AccountRequests {
  const passwords = createPasswords({
    concurrency: config.PASSWORD_HASH_CONCURRENCY,
    maxWaiting: config.PASSWORD_HASH_QUEUE,
  });
  metrics.gauge({
    name: 'auth_passwords_waiting',
    help: 'Requests that wait for their turn to hash a password',
    collect() {
      this.set(passwords.waiting());
    },
  });
  return createAccountRequests({
    db,
    logger,
    metrics,
    passwords,
    wakeRelay,
    codes: createCodeHasher(config.CODE_HMAC_KEY ?? config.JWT_SIGNING_KEY),
    codePolicy: {
      ttlMs: config.VERIFICATION_TTL,
      cooldownMs: config.RESEND_COOLDOWN,
      maxTries: config.VERIFICATION_MAX_TRIES,
      maxPerWindow: config.VERIFICATION_MAX_CODES,
    },
    throttlePolicy: {
      windowMs: config.FAILURE_WINDOW,
      loginsPerAccount: config.LOGIN_ACCOUNT_FAILURES,
      loginsPerAddress: config.LOGIN_ADDRESS_FAILURES,
      codesPerAddress: config.VERIFY_ADDRESS_FAILURES,
      registrationsPerAddress: config.REGISTER_ADDRESS_LIMIT,
      registrationWindowMs: config.REGISTER_WINDOW,
    },
    accessTokens: createAccessTokens({
      keys,
      issuer: config.JWT_ISSUER,
      audience: config.JWT_AUDIENCE,
      ttlMs: config.ACCESS_TOKEN_TTL,
    }),
    refreshTwins: createRefreshTwins(),
    refreshTtlMs: config.REFRESH_TOKEN_TTL,
    uniformAnswerMs: config.UNIFORM_ANSWER_TIME,
    isRegistrationOpen,
    demoLoginsAllowed: config.NODE_ENV !== 'production',
  });
}

/** The keys are at hand here, so no token waits for them. */
function ownVerifier(config: AuthConfig, keys: SigningKeys): Verifier {
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = config;
  return createLocalVerifier({ keys: keys.publicKeys, issuer, audience });
}

function loggerOf(config: DatabaseOnlyConfig): Logger {
  return createLogger({ service: SERVICE, level: config.LOG_LEVEL });
}
