/**
 * What a policy costs: `node packages/resilience/scripts/measure-cost.ts` prints microseconds per call, alone and with many under way,
 * for a closed breaker and an open one. The dependency answers at the next turn of the promise queue, so all of it is the policy's.
 */
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { createPolicies, type Policy } from '../src/index.ts';

const CALLS = 100_000;
const ROUNDS = 5;
const MICROSECONDS = 1_000;

const policies = createPolicies(
  { CIRCUIT_BREAKER_MAX_REQUESTS: 3, CIRCUIT_BREAKER_INTERVAL: 60_000, CIRCUIT_BREAKER_TIMEOUT: 3_600_000 },
  { logger: silentLogger(), metrics: createMetrics('cost') },
);
const closed = policies.create('closed', { timeoutMs: 1_000, concurrency: 1_000 });
const open = policies.create('open', { timeoutMs: 1_000, concurrency: 1_000, breakAfter: 1 });
await open.execute(() => Promise.reject(new Error('away'))).catch(() => undefined);

const answer = () => Promise.resolve(1);
const cases: Record<string, (call: number) => Promise<unknown>> = {
  'no policy': answer,
  closed: () => closed.execute(answer),
  open: () => refusal(open),
};

for (const [name, call] of Object.entries(cases)) {
  for (const concurrency of [1, 256]) {
    const best = Math.min(...(await rounds(() => measure(call, concurrency))));
    console.log(
      `${name.padEnd(10)} ${String(concurrency).padStart(4)} at a time ${best.toFixed(2).padStart(7)} µs a call`,
    );
  }
}

async function refusal(policy: Policy): Promise<void> {
  try {
    await policy.execute(answer);
  } catch {
    // What is measured.
  }
}

async function measure(call: (call: number) => Promise<unknown>, concurrency: number): Promise<number> {
  const startedMs = performance.now();
  for (let done = 0; done < CALLS; done += concurrency) {
    await Promise.all(Array.from({ length: concurrency }, (_, index) => call(done + index)));
  }
  return ((performance.now() - startedMs) / CALLS) * MICROSECONDS;
}

async function rounds(measureOnce: () => Promise<number>): Promise<number[]> {
  const found: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) found.push(await measureOnce());
  return found;
}
