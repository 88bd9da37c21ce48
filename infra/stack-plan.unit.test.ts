import assert from 'node:assert/strict';
import { etcd } from './etcd/etcd.ts';
import { haproxy } from './haproxy/haproxy.ts';
import { kafka } from './kafka/kafka.ts';
import { opensearch } from './opensearch/opensearch.ts';
import { pgpool, pgpoolClients } from './pgpool/pgpool.ts';
import { postgres } from './postgres/postgres.ts';
import { rolesSql } from './postgres/roles.ts';
import type { ConfigFile } from './program.ts';
import { rabbitmq } from './rabbitmq/rabbitmq.ts';
import { redis } from './redis/redis.ts';
import type { Secrets } from './secrets.ts';
import { POOL_SIZE } from './service-programs.ts';
import { stackSettings } from './stack-settings.ts';

const settings = stackSettings({ name: 'mine', portBase: '27000', env: { PUNCTUAL_HOME: '/nowhere' }, uid: 0 });
const { ports } = settings;
const secrets: Secrets = {
  superuser: 'secret-superuser',
  replicator: 'secret-replicator',
  pgpool: 'secret-pgpool',
  tester: 'secret-tester',
  services: {
    auth: 'secret-auth',
    product: 'secret-product',
    order: 'secret-order',
    payment: 'secret-payment',
    mail: 'secret-mail',
  },
  rabbitmq: 'secret-rabbitmq',
  serviceKey: 'secret-service-key',
  sandboxWebhook: 'secret-webhook',
  erlangCookie: 'secret-cookie',
  jwtSigningKeyFile: '/nowhere/key.pem',
};
const servers = [
  postgres(settings, secrets, ''),
  pgpool(settings, secrets, ''),
  redis(settings),
  rabbitmq(settings, secrets, ''),
  kafka(settings, ''),
  { programs: [etcd(settings)], files: [] },
  opensearch(settings, ''),
  haproxy(settings),
];
const programs = servers.flatMap((server) => server.programs);
const files: ConfigFile[] = servers.flatMap((server) => server.files);
const textOf = (name: string) => files.find(({ path }) => path.endsWith(`/${name}`))?.text ?? assert.fail(`no ${name}`);

describe("the servers' configuration", () => {
  it('keeps every secret in files that only their owner reads, and out of command lines and environments', () => {
    for (const { path, text, mode } of files) {
      if (text.includes('secret-')) assert.ok(mode === 0o600 || mode === 0o400, path);
    }
    assert.doesNotMatch(JSON.stringify(programs), /secret-/);
  });

  it('lets every server listen on this machine only', () => {
    for (const { path, text } of files) assert.doesNotMatch(text, /0\.0\.0\.0|\*:\d|::\d/, path);
    assert.match(textOf('postgres-primary.conf'), /^listen_addresses = '127\.0\.0\.1'$/m);
    assert.match(
      textOf('server.properties'),
      new RegExp(`^listeners=PLAINTEXT://127\\.0\\.0\\.1:${ports.kafka},`, 'm'),
    );
    assert.match(textOf('redis-1.conf'), /^bind 127\.0\.0\.1$/m);
    assert.match(textOf('opensearch.yml'), /^network\.host: 127\.0\.0\.1$/m);
  });

  it('gives every port to one program', () => {
    const taken = programs.flatMap((program) => program.ports);
    assert.equal(new Set(taken).size, taken.length);
  });

  it('lets OpenSearch make no index that nobody has defined', () => {
    assert.match(textOf('opensearch.yml'), /^action\.auto_create_index: false$/m);
  });

  it('keeps what was committed on the disk', () => {
    assert.match(textOf('postgres-primary.conf'), /^fsync = on$/m);
    assert.match(textOf('postgres-primary.conf'), /^synchronous_commit = on$/m);
  });

  it('routes write pools to the primary, read pools to the standby, the unnamed to the primary', () => {
    assert.match(
      textOf('pgpool.conf'),
      /^app_name_redirect_preference_list = '\.\*-write:primary,\.\*-read:standby'$/m,
    );
    assert.match(textOf('pgpool.conf'), /^database_redirect_preference_list = '\.\*:primary'$/m);
  });

  it('has room in pgpool for every pool of every service', () => {
    const clients = Object.values(POOL_SIZE).reduce((total, size) => total + 2 * size, 0);
    assert.ok(clients < pgpoolClients({ instances: {} }));
    for (const [service, size] of Object.entries(POOL_SIZE))
      assert.ok(clients + 4 * size < pgpoolClients({ instances: { [service]: 3 } }), service);
  });

  it('gives each service a database and a role of its own, named after the stack', () => {
    const sql = rolesSql(settings, secrets);
    for (const service of ['auth', 'product', 'order', 'payment', 'mail']) {
      assert.ok(sql.includes(`CREATE DATABASE mine_${service} OWNER mine_${service}`));
      assert.ok(sql.includes(`ALTER ROLE mine_${service} PASSWORD 'secret-${service}'`));
    }
  });

  it("answers for an absent gateway in the shop's error shape, with when to come back", () => {
    const line = textOf('haproxy.cfg')
      .split('\n')
      .find((text) => text.includes('http-error status 503'));
    const body = /lf-string "(.*?)" hdr/.exec(line ?? '')?.[1]?.replaceAll('\\"', '"') ?? '';
    const { error } = JSON.parse(body) as { error: Record<string, unknown> };
    assert.deepEqual(Object.keys(error), ['code', 'message', 'details', 'request_id']);
    assert.equal(error.code, 'UNAVAILABLE');
    assert.match(line ?? '', / hdr Retry-After \d+/);
  });
});
