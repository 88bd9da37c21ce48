import { postgresRoles } from './postgres/nodes.ts';
import { descendants, memoryOf } from './processes.ts';
import { SERVICES } from './services.ts';
import { instancesOf, type PortName, type StackSettings } from './stack-settings.ts';
import { programStates } from './supervisor.ts';
import { columns } from './table.ts';

const MEGABYTE = 1024 * 1024;
/** Of programs with another name than their port. */
const PORTS: Readonly<Record<string, readonly PortName[]>> = {
  'postgres-primary': ['postgresPrimary'],
  'postgres-replica': ['postgresReplica'],
  'redis-1': ['redis1'],
  'redis-2': ['redis2'],
  'redis-3': ['redis3'],
  rabbitmq: ['rabbitmq', 'rabbitmqManagement'],
  inbox: ['inbox', 'smtp'],
  haproxy: ['public'],
  opensearch: ['opensearch', 'opensearchTransport'],
  failover: [],
};

/** One line per program: state, uptime, memory of all its processes, ports. False when nothing runs. */
export async function printStatus(settings: StackSettings, write: (line: string) => void): Promise<boolean> {
  const states = await programStates(settings);
  if (!states) {
    write(`The stack ${settings.name} is not running.`);
    return false;
  }
  let totalRss = 0;
  let totalPss = 0;
  const { primary, replica } = postgresRoles(settings);
  const instances = instancesOf(settings, SERVICES);
  const portsOf = (name: string): readonly PortName[] => {
    const instance = instances.find(({ program }) => program === name);
    return PORTS[name] ?? [instance?.http ?? (name as PortName)];
  };
  const parts: Readonly<Record<string, string>> = { [primary.name]: 'primary', [replica.name]: 'replica' };
  const rows = [...states.values()].map(({ name, state, pid, uptimeSeconds }) => {
    const processes = pid > 0 ? descendants(pid) : [];
    const rss = sum(processes.map((process) => memoryOf(process).rssBytes));
    totalRss += rss;
    totalPss += sum(processes.map((process) => memoryOf(process).pssBytes));
    const ports = portsOf(name)
      .map((port) => settings.ports[port])
      .join(' ');
    return [
      name,
      state,
      pid > 0 ? duration(uptimeSeconds) : '',
      pid > 0 ? megabytes(rss) : '',
      pid > 0 ? String(pid) : '',
      parts[name] ? `${ports} ${parts[name]}` : ports,
    ];
  });
  for (const line of columns([['program', 'state', 'up for', 'memory', 'pid', 'port'], ...rows])) write(line);
  write(
    `Memory: ${megabytes(totalRss)} resident; ${megabytes(totalPss)} when pages that processes share are counted once.`,
  );
  return true;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / MEGABYTE)} MB`;
}

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}
