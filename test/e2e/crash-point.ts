/**
 * Preloaded into the payment service (`--import`): gives it the crash points of its own tests, which production code cannot switch on. The
 * file named by CRASH_POINTS_FILE lists points, one a line. Reaching the first one takes it off the list and kills the process.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const APP = pathToFileURL(join(import.meta.dirname, '../../services/payment/src/app.ts')).href;
const NO_POINTS = 'options.reachPoint ?? (() => undefined)';

Object.assign(globalThis, {
  reachCrashPoint(point: string): void {
    const file = process.env.CRASH_POINTS_FILE ?? '';
    const [next, ...rest] = readFileSync(file, 'utf8').split('\n');
    if (point !== next) return;
    writeFileSync(file, rest.join('\n'));
    process.kill(process.pid, 'SIGKILL');
  },
});

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (url !== APP) return loaded;
    const source = String(loaded.source);
    if (!source.includes(NO_POINTS)) throw new Error(`${url} has no place for crash points any more`);
    return { ...loaded, source: source.replace(NO_POINTS, 'globalThis.reachCrashPoint') };
  },
});
