import { etcdEndpoints } from './etcd/etcd.ts';
import { postgresRoles } from './postgres/nodes.ts';
import { databaseName, TESTER_ROLE } from './postgres/roles.ts';
import { redisPorts } from './redis/redis.ts';
import { RABBITMQ_USER, type Secrets } from './secrets.ts';
import { serviceAddresses } from './service-addresses.ts';
import { SERVICES } from './services.ts';
import { instancesOf, type StackSettings } from './stack-settings.ts';

/** A PostgreSQL URL on this machine. */
export function postgresUrl(role: string, password: string, port: number, database: string): string {
  return `postgres://${role}:${password}@127.0.0.1:${port}/${database}`;
}

export function rabbitmqUrl(settings: StackSettings, secrets: Secrets): string {
  return `amqp://${RABBITMQ_USER}:${secrets.rabbitmq}@127.0.0.1:${settings.ports.rabbitmq}`;
}

export function redisNodeList(settings: StackSettings): string {
  return redisPorts(settings)
    .map(({ port }) => `127.0.0.1:${port}`)
    .join(',');
}

/** Each stack has an etcd of its own, so the prefix can be the same everywhere. */
export const ETCD_PREFIX = '/punctual';

/** Every process of every service, past the gateway. */
function instanceUrls(settings: StackSettings): Record<string, string[]> {
  const urls: Record<string, string[]> = {};
  for (const { service, http } of instancesOf(settings, SERVICES)) {
    urls[service] = [...(urls[service] ?? []), `http://127.0.0.1:${settings.ports[http]}`];
  }
  return urls;
}

/** What tests, bench and demo need to reach a stack; printed by `env`. */
export function stackEnvironment(settings: StackSettings, secrets: Secrets, timeScale: number): Record<string, string> {
  const { ports } = settings;
  const { primary, replica } = postgresRoles(settings);
  const url = (port: number) => `http://127.0.0.1:${port}`;
  return {
    STACK: settings.name,
    STACK_HOME: settings.home,
    TIME_SCALE: String(timeScale),
    GATEWAY_URL: url(ports.public),
    POSTGRES_ADMIN_URL: postgresUrl('postgres', secrets.superuser, primary.port, 'postgres'),
    POSTGRES_REPLICA_ADMIN_URL: postgresUrl('postgres', secrets.superuser, replica.port, 'postgres'),
    POSTGRES_PRIMARY_URL: postgresUrl(TESTER_ROLE, secrets.tester, primary.port, 'postgres'),
    POSTGRES_REPLICA_URL: postgresUrl(TESTER_ROLE, secrets.tester, replica.port, 'postgres'),
    POSTGRES_PRIMARY_PROGRAM: primary.name,
    POSTGRES_REPLICA_PROGRAM: replica.name,
    REPLICATION: settings.replication,
    FAILOVER: settings.failover,
    PROFILE: settings.serverProfile,
    PGPOOL_URL: postgresUrl(TESTER_ROLE, secrets.tester, ports.pgpool, 'postgres'),
    DATABASE_PREFIX: settings.databasePrefix,
    ORDER_DATABASE_URL: postgresUrl('postgres', secrets.superuser, primary.port, databaseName(settings, 'order')),
    RABBITMQ_URL: rabbitmqUrl(settings, secrets),
    RABBITMQ_MANAGEMENT_URL: url(ports.rabbitmqManagement),
    RABBITMQ_USER,
    RABBITMQ_PASSWORD: secrets.rabbitmq,
    KAFKA_BROKERS: `127.0.0.1:${ports.kafka}`,
    REDIS_NODES: redisNodeList(settings),
    ETCD_ENDPOINTS: etcdEndpoints(settings),
    ETCD_PREFIX,
    INSTANCES: JSON.stringify(settings.instances),
    INSTANCE_URLS: JSON.stringify(instanceUrls(settings)),
    ...(settings.serverProfile === 'full' ? { OPENSEARCH_URL: url(ports.opensearch) } : {}),
    SMTP_HOST: '127.0.0.1',
    SMTP_PORT: String(ports.smtp),
    INBOX_URL: url(ports.inbox),
    AUTH_URL: url(ports.auth),
    PRODUCT_URL: url(ports.product),
    ORDER_URL: url(ports.order),
    PAYMENT_URL: url(ports.payment),
    MAIL_URL: url(ports.mail),
    SERVICE_ADDRESSES: serviceAddresses(settings),
    GATEWAY_DIRECT_URL: url(ports.gateway),
    JWT_SIGNING_KEY_FILE: secrets.jwtSigningKeyFile,
  };
}
