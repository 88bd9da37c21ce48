import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { openLoop } from './load/open-loop.ts';
import { searchRate } from './search.ts';
import { LIMITS } from './steady.ts';
import { type Bench, shareOfErrors } from './step.ts';
import { uniform } from './workloads.ts';

const START_RATE = 2_000;
const LONGEST_STEP_SECONDS = 5;

/** P0: what an express handler that does nothing sustains under the same requests. Undefined when it sustains nothing. */
export async function bareExpress({ shop, connections, seconds, signal, say }: Bench): Promise<number | undefined> {
  const child = fork(join(import.meta.dirname, 'bare-express-server.ts'), { signal, stdio: 'inherit' });
  try {
    const [port] = (await once(child, 'message', { signal })) as [number];
    const { best } = await searchRate({ start: START_RATE }, async (ratePerSecond) => {
      const result = await openLoop({
        url: `http://127.0.0.1:${port}`,
        pace: { ratePerSecond, seconds: Math.min(seconds, LONGEST_STEP_SECONDS) },
        connections,
        next: uniform(shop, 'p0'),
        signal,
      });
      const isSustained =
        result.accepted.p99Ms < LIMITS.p99Ms &&
        shareOfErrors(result) <= LIMITS.errorShare &&
        result.acceptedPerSecond >= ratePerSecond * LIMITS.acceptedShare;
      return { isSustained, result };
    });
    say(`P0: ${best?.rate ?? 'no'} requests/s by a bare express handler`);
    return best?.rate;
  } finally {
    child.kill();
  }
}
