import type { PortName } from './stack-settings.ts';

/** One process that supervisord keeps running. */
export type Program = {
  name: string;
  command: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** Ports it listens on; checked before the first start. */
  ports: readonly PortName[];
  /** Runs as this account when the stack is root's. */
  user?: string | undefined;
  /** Gives way to the others when the processors are busy: 1 (a little) to 19 (always). */
  niceness?: number;
  stopSignal?: 'TERM' | 'INT';
  /** How long a stop may take before it is killed. */
  stopWaitSeconds?: number;
  /** Signals reach the whole process group; for servers that fork and do not pass signals on. */
  stopAsGroup?: boolean;
  /** Lower starts first and stops last. */
  priority: number;
  kind: 'server' | 'service';
};

/** A file that a server reads at start. Its text is part of the program's digest: a change restarts the program. */
export type ConfigFile = {
  path: string;
  text: string;
  mode?: number;
  /** Owned by the account of the program (when root starts the stack). */
  owner?: string | undefined;
  /** A change of this file restarts the program with this name. */
  program: string;
};
