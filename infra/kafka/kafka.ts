import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { jarsFolder, KAFKA_JARS } from '../maven-jars.ts';
import type { ConfigFile, Program } from '../program.ts';
import { serviceLinks } from '../service-links.ts';
import type { Ports, StackSettings } from '../stack-settings.ts';

/** One Kafka node in KRaft mode: broker and controller in one process, every internal topic with one copy. */
export function kafka(settings: StackSettings, source: string): { programs: Program[]; files: ConfigFile[] } {
  const { ports, folders } = settings;
  const data = join(folders.data, 'kafka');
  const script = join(folders.conf, 'kafka', 'run.sh');
  const config = join(folders.conf, 'kafka', 'server.properties');
  return {
    programs: [
      {
        name: 'kafka',
        kind: 'server',
        command: ['/bin/sh', script],
        cwd: folders.data,
        env: {
          JARS: jarsFolder(settings, KAFKA_JARS),
          KAFKA_DATA: data,
          KAFKA_CONFIG: config,
          KAFKA_CLUSTER_ID: clusterId(settings.name),
          KAFKA_LOG_LEVEL: 'warn',
        },
        ports: ['kafka', 'kafkaController', 'kafkaLinked'],
        stopWaitSeconds: 30,
        priority: 10,
      },
    ],
    files: [
      { program: 'kafka', path: script, text: source, mode: 0o755 },
      { program: 'kafka', path: config, text: serverProperties(ports, join(data, 'log'), serviceLinks().kafka) },
    ],
  };
}

/**
 * A client talks to the address that the broker advertises, whatever address it began with. So the services' link needs a
 * listener of its own, which advertises the link's port.
 */
function serverProperties(ports: Ports, logFolder: string, link: number | undefined): string {
  const listeners = [
    `PLAINTEXT://127.0.0.1:${ports.kafka}`,
    ...(link === undefined ? [] : [`LINKED://127.0.0.1:${ports.kafkaLinked}`]),
  ];
  const advertised = [
    `PLAINTEXT://127.0.0.1:${ports.kafka}`,
    ...(link === undefined ? [] : [`LINKED://127.0.0.1:${link}`]),
  ];
  const properties: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${ports.kafkaController}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: [...listeners, `CONTROLLER://127.0.0.1:${ports.kafkaController}`].join(','),
    'advertised.listeners': advertised.join(','),
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,LINKED:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': logFolder,
    // Topics are made by the services, with the partitions they mean; a typing mistake must not make one.
    'auto.create.topics.enable': 'false',
    'num.partitions': 3,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    'log.segment.bytes': 67_108_864,
    'log.index.size.max.bytes': 1_048_576,
    'log.retention.hours': 168,
    'log.cleaner.threads': 1,
    'log.cleaner.dedupe.buffer.size': 8_388_608,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 2,
    'num.recovery.threads.per.data.dir': 2,
    // After a crash the node waits for its former registration to expire before it serves again; the default is 9 s.
    'broker.session.timeout.ms': 6000,
    'broker.heartbeat.interval.ms': 1000,
  };
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** Kafka wants 16 bytes in base64url; taken from the name, so that a format done over is the same cluster. */
function clusterId(name: string): string {
  return createHash('sha256').update(`punctual/${name}`).digest().subarray(0, 16).toString('base64url');
}
