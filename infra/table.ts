import { postgresRoles } from './postgres/nodes.ts';
import type { StackSettings } from './stack-settings.ts';

/** Rows as left-aligned columns. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('   ')
      .trimEnd(),
  );
}

/** What `up` ends with: every address, what is behind it, and how to log in. */
export function addressTable(settings: StackSettings, profile: 'servers' | 'all'): string[] {
  const { ports } = settings;
  const { primary, replica } = postgresRoles(settings);
  const web = (port: number, path = '') => `http://localhost:${port}${path}`;
  const tcp = (...numbers: number[]) => numbers.map((port) => `127.0.0.1:${port}`).join(' ');
  const services: string[][] = [
    [web(ports.public), 'the gateway: the one public address of the shop (HAProxy in front of it)'],
    [web(ports.public, '/docs'), 'its API, to read and to try'],
    [tcp(ports.gateway), 'gateway, past HAProxy'],
    [tcp(ports.auth, ports.product, ports.order, ports.payment, ports.mail), 'auth, product, order, payment, mail'],
    [web(ports.haproxyStats), "HAProxy's view of the gateway"],
  ];
  const servers: string[][] = [
    [web(ports.inbox), `the inbox: every mail the shop sends (SMTP on ${ports.smtp})`],
    [web(ports.rabbitmqManagement), "RabbitMQ's management page (user punctual, password: make env)"],
    [tcp(ports.rabbitmq), `RabbitMQ, AMQP (metrics on ${ports.rabbitmqPrometheus})`],
    [tcp(ports.kafka), 'Kafka'],
    [tcp(ports.etcd), 'etcd'],
    [tcp(ports.redis1, ports.redis2, ports.redis3), 'Redis Cluster'],
    ...(settings.serverProfile === 'full' ? [[web(ports.opensearch), 'OpenSearch']] : []),
    [tcp(ports.pgpool), 'pgpool, in front of both Postgres servers'],
    [tcp(primary.port), 'Postgres primary'],
    [tcp(replica.port), `Postgres streaming replica, ${settings.replication}`],
  ];
  const logins = ['', 'Demo logins: admin@punctual.test / punctual-admin   customer@punctual.test / punctual-customer'];
  return [...columns([...(profile === 'all' ? services : []), ...servers]), ...(profile === 'all' ? logins : [])];
}
