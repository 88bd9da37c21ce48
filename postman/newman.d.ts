/** The part of newman 6 that `run.ts` uses; the package brings no types. */
declare module 'newman' {
  import type { EventEmitter } from 'node:events';

  export type Execution = {
    item: { id: string; name: string };
    request: { method: string; url: { toString(): string } };
    response?: { code: number; responseTime: number };
  };
  export type Failure = {
    source?: { name: string };
    error: { name: string; test?: string; message: string };
  };
  export type Summary = {
    error?: Error;
    run: { stats: { assertions: { total: number; failed: number } }; executions: Execution[]; failures: Failure[] };
  };
  export type RunOptions = {
    collection: object;
    environment: object;
    envVar?: { key: string; value: string }[];
    reporters?: string[];
    timeout?: number;
    timeoutRequest?: number;
    timeoutScript?: number;
  };
  export function run(options: RunOptions, done: (error: Error | null, summary: Summary) => void): EventEmitter;
  const newman: { run: typeof run };
  // biome-ignore lint/style/noDefaultExport: this describes a CommonJS module, whose exports arrive as the default.
  export default newman;
}
