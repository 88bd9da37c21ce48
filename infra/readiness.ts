import { postgresUrl } from './connections.ts';
import { postgresRoles } from './postgres/nodes.ts';
import { stopWaiting, waitForReplica } from './postgres/replication.ts';
import { rolesSql } from './postgres/roles.ts';
import { probeAmqp, probeHttp, probeKafka, probeSmtp, sql } from './probes.ts';
import { ensureRedisCluster, probeRedisCluster } from './redis/cluster.ts';
import { RABBITMQ_USER, type Secrets } from './secrets.ts';
import type { StackSettings } from './stack-settings.ts';

/** One server's proof that it can be used, not merely that its process runs. */
export type Readiness = {
  /** What is proven, for the reader of `up`. */
  label: string;
  /** The programs whose logs tell why when it is not so. */
  programs: readonly string[];
  probe: () => Promise<void>;
};

/** The backing servers; each is independent of the others except the replica and pgpool, which follow the primary. */
export function serverReadiness(settings: StackSettings, secrets: Secrets): Readiness[] {
  const { ports } = settings;
  const { primary, replica } = postgresRoles(settings);
  const admin = postgresUrl('postgres', secrets.superuser, primary.port, 'postgres');
  const replicaAdmin = postgresUrl('postgres', secrets.superuser, replica.port, 'postgres');
  const throughPgpool = (name: string) =>
    `${postgresUrl('postgres', secrets.superuser, ports.pgpool, 'postgres')}?application_name=${name}`;
  const management = {
    authorization: `Basic ${Buffer.from(`${RABBITMQ_USER}:${secrets.rabbitmq}`).toString('base64')}`,
  };
  return [
    {
      label: 'Postgres primary answers a query; roles and databases are there',
      programs: [primary.name],
      probe: async () => {
        await sql(admin, rolesSql(settings, secrets), 40_000);
        if (settings.replication === 'asynchronous') await stopWaiting(settings, admin);
      },
    },
    {
      label: `Postgres replica streams from the primary, ${settings.replication}`,
      programs: [replica.name, primary.name],
      probe: async () => {
        await probeReplica(admin, replicaAdmin);
        if (settings.replication === 'synchronous') await waitForReplica(settings, admin);
      },
    },
    {
      label: 'pgpool routes writes to the primary, reads to the replica',
      programs: ['pgpool', primary.name, replica.name],
      probe: async () => {
        await expectServer(throughPgpool('stack-write'), primary.port, 'a write session');
        await expectServer(throughPgpool('stack-read'), replica.port, 'a read session');
      },
    },
    {
      label: 'Redis Cluster has three masters and every slot',
      programs: ['redis-1', 'redis-2', 'redis-3'],
      probe: async () => {
        await ensureRedisCluster(settings);
        await probeRedisCluster(settings);
      },
    },
    {
      label: 'RabbitMQ accepts AMQP connections, its management page answers',
      programs: ['rabbitmq', 'epmd'],
      probe: async () => {
        await probeAmqp(ports.rabbitmq);
        await probeHttp(`http://127.0.0.1:${ports.rabbitmqManagement}/api/health/checks/virtual-hosts`, management);
      },
    },
    {
      label: 'etcd has a leader and answers',
      programs: ['etcd'],
      probe: () => probeHttp(`http://127.0.0.1:${ports.etcd}/health`),
    },
    { label: 'Kafka answers with its metadata', programs: ['kafka'], probe: () => probeKafka(ports.kafka) },
    ...(settings.serverProfile === 'full' ? [openSearchReadiness(settings)] : []),
    {
      label: 'The inbox takes mail and shows it',
      programs: ['inbox'],
      probe: async () => {
        await probeSmtp(ports.smtp);
        await probeHttp(`http://127.0.0.1:${ports.inbox}/healthz`);
      },
    },
  ];
}

/** Yellow is one node's best for an index that wants replicas. */
function openSearchReadiness({ ports }: StackSettings): Readiness {
  return {
    label: 'OpenSearch has its cluster and every shard',
    programs: ['opensearch'],
    probe: () => probeHttp(`http://127.0.0.1:${ports.opensearch}/_cluster/health?wait_for_status=yellow&timeout=2s`),
  };
}

/** Streaming, from this primary, and replayed to where the primary was when asked. */
async function probeReplica(admin: string, replica: string): Promise<void> {
  const [state, position] = (
    await sql(
      admin,
      "SELECT coalesce((SELECT state FROM pg_stat_replication WHERE application_name = 'replica' LIMIT 1), 'absent'), pg_current_wal_lsn()",
    )
  ).split('|');
  if (state !== 'streaming') throw new Error(`the replica is ${state} in the primary's pg_stat_replication`);
  const replayed = await sql(
    replica,
    `SELECT pg_is_in_recovery() AND coalesce(pg_last_wal_receive_lsn() >= '${position}', false)`,
  );
  if (replayed !== 't') throw new Error(`the replica has not received ${position} yet`);
}

/** Asks by port, since pgpool sends what calls a volatile function, as pg_is_in_recovery() is, to the primary. */
async function expectServer(url: string, port: number, who: string): Promise<void> {
  const answer = await sql(url, 'SELECT inet_server_port()');
  if (Number(answer) !== port)
    throw new Error(`${who} through pgpool reached the server on port ${answer}, not ${port}`);
}
