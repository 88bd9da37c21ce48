import { join } from 'node:path';
import { jarsFolder, OPENSEARCH_JARS } from '../maven-jars.ts';
import type { ConfigFile, Program } from '../program.ts';
import type { StackSettings } from '../stack-settings.ts';

const LOG_CONFIG = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %-5p %c{1.} %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
`;

/** One OpenSearch node, its own cluster manager, without the plugins for security: it listens on this machine only. */
export function opensearch(settings: StackSettings, source: string): { programs: Program[]; files: ConfigFile[] } {
  const { ports, folders } = settings;
  const config = join(folders.conf, 'opensearch');
  const script = join(config, 'run.sh');
  return {
    programs: [
      {
        name: 'opensearch',
        kind: 'server',
        command: ['/bin/sh', script],
        cwd: folders.data,
        env: {
          JARS: jarsFolder(settings, OPENSEARCH_JARS),
          OPENSEARCH_HOME: join(folders.data, 'opensearch'),
          OPENSEARCH_CONFIG: config,
          OPENSEARCH_START: join(settings.repo, 'infra', 'opensearch', 'start.js'),
          OPENSEARCH_PORT: String(ports.opensearch),
          OPENSEARCH_CLUSTER: `punctual-${settings.name}`,
        },
        ports: ['opensearch', 'opensearchTransport'],
        stopWaitSeconds: 20,
        priority: 10,
      },
    ],
    files: [
      { program: 'opensearch', path: script, text: source, mode: 0o755 },
      { program: 'opensearch', path: join(config, 'opensearch.yml'), text: nodeConfig(ports.opensearchTransport) },
      { program: 'opensearch', path: join(config, 'log4j2.properties'), text: LOG_CONFIG },
    ],
  };
}

function nodeConfig(transportPort: number): string {
  return [
    'network.host: 127.0.0.1',
    `transport.port: ${transportPort}`,
    'discovery.type: single-node',
    // An index is made by the product service, with the mapping it means; a typing mistake must not make one.
    'action.auto_create_index: false',
    // A machine with a nearly full disk is the developer's business; the default would make indices read-only at 95 %.
    'cluster.routing.allocation.disk.threshold_enabled: false',
    '',
  ].join('\n');
}
