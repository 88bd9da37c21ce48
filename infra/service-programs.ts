import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ETCD_PREFIX, postgresUrl, rabbitmqUrl, redisNodeList } from './connections.ts';
import { etcdEndpoints } from './etcd/etcd.ts';
import { MAIL_NICENESS } from './inbox/program.ts';
import { databaseName } from './postgres/roles.ts';
import type { Program } from './program.ts';
import { type Secrets, writeSecretFile } from './secrets.ts';
import { serviceAddresses } from './service-addresses.ts';
import { throughLinks } from './service-links.ts';
import { type GrpcService, isDatabaseService, SERVICES, type ServiceName } from './services.ts';
import { instancesOf, type StackSettings } from './stack-settings.ts';
import { UserError } from './user-error.ts';

/** Connections of each pool, primary and replica alike. All of them together stay below pgpool's clients. */
export const POOL_SIZE = { auth: 3, product: 3, order: 5, payment: 3, mail: 2 } as const;
const HEAP_MB: Readonly<Record<ServiceName, number>> = {
  auth: 128,
  product: 128,
  order: 192,
  payment: 128,
  mail: 128,
  gateway: 128,
};
/**
 * The young generation is three times this, and grows so large under load only. Where an order passes through, a larger
 * one halves the time spent on collecting garbage; the default would let it grow to 48 MB in every service.
 */
const SEMI_SPACE_MB: Readonly<Record<ServiceName, number>> = {
  auth: 6,
  product: 16,
  order: 16,
  payment: 6,
  mail: 6,
  gateway: 16,
};
const SHOP_HOURS = { ORDER_REMINDERS: '4h,12h,22h', ORDER_EXPIRY: '24h' };
const ISSUER = 'https://punctual.test';
const AUDIENCE = 'punctual';

export function serviceMain(settings: StackSettings, service: ServiceName): string {
  return join(settings.repo, 'services', service, 'src', 'main.ts');
}

/** The services that exist in this checkout. */
export function presentServices(settings: StackSettings): ServiceName[] {
  return SERVICES.filter((service) => existsSync(serviceMain(settings, service)));
}

export function servicePrograms(
  settings: StackSettings,
  secrets: Secrets,
  node: string,
  options: { timeScale: number; watch?: readonly string[] },
): Program[] {
  return instancesOf(settings, presentServices(settings)).map(({ program, service, http, grpc }, index) => {
    const isWatched = options.watch?.includes(service) ?? false;
    return {
      name: program,
      kind: 'service',
      command: [
        node,
        `--max-old-space-size=${HEAP_MB[service]}`,
        `--max-semi-space-size=${SEMI_SPACE_MB[service]}`,
        ...(isWatched ? ['--watch', '--watch-preserve-output'] : []),
        serviceMain(settings, service),
        'all',
      ],
      cwd: settings.repo,
      env: {
        ...serviceEnvironment(settings, secrets, service, options.timeScale),
        ...(program === service
          ? {}
          : {
              PORT: String(settings.ports[http]),
              ...(grpc === undefined ? {} : { GRPC_PORT: String(settings.ports[grpc]) }),
            }),
        ...extraEnvironment(service),
      },
      ports: grpc === undefined ? [http] : [http, grpc],
      // The watching process has the service as its child.
      stopAsGroup: isWatched,
      stopWaitSeconds: 20,
      ...(service === 'mail' ? { niceness: MAIL_NICENESS } : {}),
      priority: 40 + index,
    };
  });
}

/**
 * Variables that the caller adds to a service's, from the JSON in SERVICE_ENV such as {"gateway":{"LOG_LEVEL":"debug"}};
 * for a bench or an experiment. The next `up` without it takes them back.
 */
function extraEnvironment(service: ServiceName): Record<string, string> {
  const text = process.env.SERVICE_ENV;
  if (!text) return {};
  try {
    const all = JSON.parse(text) as Partial<Record<string, Record<string, unknown>>>;
    return Object.fromEntries(Object.entries(all[service] ?? {}).map(([name, value]) => [name, String(value)]));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(
      `SERVICE_ENV is not JSON: ${reason}`,
      'For example: SERVICE_ENV=\'{"gateway":{"LOG_LEVEL":"debug"}}\'',
    );
  }
}

/** Environment of one service. Secret values are files (`X_FILE`) that only the stack's owner reads. */
export function serviceEnvironment(
  settings: StackSettings,
  secrets: Secrets,
  service: ServiceName,
  timeScale: number,
): Record<string, string> {
  const linked = throughLinks(settings);
  const { ports } = linked;
  const url = (port: number) => `http://127.0.0.1:${port}`;
  const publicUrl = url(ports.public).replace('127.0.0.1', 'localhost');
  const file = (name: string, value: string) => writeSecretFile(settings, `${service}.${name}`, value);
  const base = {
    // The local stack has published passwords, which production refuses.
    NODE_ENV: 'development',
    HOST: '127.0.0.1',
    PORT: String(ports[service]),
    LOG_LEVEL: 'info',
    // Halves a service's start: the source is compiled once, not at every start.
    NODE_COMPILE_CACHE: join(settings.home, 'compile-cache'),
    // By default glibc keeps a heap for every thread of a process.
    MALLOC_ARENA_MAX: '2',
    // URLs with passwords are in files: without this a service would not be restarted when its links change.
    ...(process.env.SERVICE_LINKS ? { SERVICE_LINKS: process.env.SERVICE_LINKS } : {}),
  };
  const identity = { JWKS_URL: `${url(ports.auth)}/.well-known/jwks.json`, JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE };
  const kafka = { KAFKA_BROKERS: `127.0.0.1:${ports.kafka}`, KAFKA_TOPIC_PREFIX: '' };
  const rabbit = { RABBITMQ_URL_FILE: file('rabbitmq-url', rabbitmqUrl(linked, secrets)), DELAY_STRATEGY: 'auto' };
  const redis = { REDIS_NODES: redisNodeList(settings) };
  const calls = {
    SERVICE_KEY_FILE: file('service-key', secrets.serviceKey),
  };
  const grpc = (name: GrpcService) => ({ ...calls, GRPC_PORT: String(ports[`${name}Grpc`]) });
  const database = (name: keyof typeof POOL_SIZE) => {
    const role = databaseName(settings, name);
    const pooled = postgresUrl(role, secrets.services[name] ?? '', ports.pgpool, role);
    return {
      DATABASE_URL_FILE: file('database-url', pooled),
      DATABASE_REPLICA_URL_FILE: file('database-replica-url', pooled),
      DATABASE_POOL_MAX: String(POOL_SIZE[name]),
    };
  };
  const common = { ...base, ...discovery(settings), ...(isDatabaseService(service) ? database(service) : {}) };
  switch (service) {
    case 'auth':
      return {
        ...common,
        ...grpc('auth'),
        ...identity,
        ...kafka,
        ...rabbit,
        JWT_SIGNING_KEY_FILE: secrets.jwtSigningKeyFile,
        VERIFICATION_TTL: '10m',
        RESEND_COOLDOWN: '1m',
        VERIFICATION_MAX_TRIES: '5',
      };
    case 'product':
      return {
        ...common,
        ...grpc('product'),
        ...identity,
        ...kafka,
        ...rabbit,
        ...(settings.serverProfile === 'full' ? { OPENSEARCH_URL: url(ports.opensearch) } : {}),
      };
    case 'order':
      return {
        ...common,
        ...grpc('order'),
        ...identity,
        ...kafka,
        ...rabbit,
        ...redis,
        ...SHOP_HOURS,
        TIME_SCALE: String(timeScale),
        PAY_WITH_TEST_CARD: 'true',
      };
    case 'payment':
      return {
        ...common,
        ...grpc('payment'),
        ...identity,
        ...kafka,
        PAYMENT_PROVIDER: 'sandbox',
        SANDBOX_WEBHOOK_SECRET_FILE: file('sandbox-webhook-secret', secrets.sandboxWebhook),
        WEBHOOK_URL: `${url(ports.public)}/payments/webhooks/sandbox`,
      };
    case 'mail':
      return { ...common, ...rabbit, SMTP_HOST: '127.0.0.1', SMTP_PORT: String(ports.smtp), SHOP_URL: publicUrl };
    case 'gateway':
      return {
        ...common,
        ...calls,
        ...identity,
        ...kafka,
        ...redis,
        PUBLIC_URL: publicUrl,
        // HAProxy is the one hop that may say who the client is.
        TRUSTED_HOPS: '1',
        GATEWAY_ROUTES: gatewayRoutes(),
      };
    default:
      return service satisfies never;
  }
}

/** Services find each other through etcd; the first instances' addresses serve until it has answered. */
function discovery(settings: StackSettings): Record<string, string> {
  return {
    DISCOVERY: 'etcd',
    ETCD_ENDPOINTS: etcdEndpoints(settings),
    ETCD_PREFIX,
    ADVERTISE_HOST: '127.0.0.1',
    SERVICE_ADDRESSES: serviceAddresses(settings),
  };
}

/** Which path goes to which service. */
function gatewayRoutes(): string {
  const route = (name: GrpcService, ...prefixes: string[]) => ({ name, prefixes });
  return JSON.stringify([
    route('auth', '/auth', '/users', '/.well-known/jwks.json'),
    route('product', '/products'),
    route('order', '/orders'),
    route('payment', '/payments'),
  ]);
}
