import assert from 'node:assert/strict';
import { createMetrics, type Metrics, silentLogger } from '@punctual/telemetry';
import { eventually } from '@punctual/testing';
import fc from 'fast-check';
import {
  type BreakerConfig,
  createPolicies,
  DependencyUnavailable,
  type Policies,
  type PolicyOptions,
} from './index.ts';

/** Longer than a busy machine stands still between two lines of a test. */
const OPEN_MS = 400;
const CONFIG: BreakerConfig = {
  CIRCUIT_BREAKER_MAX_REQUESTS: 3,
  CIRCUIT_BREAKER_INTERVAL: 60_000,
  CIRCUIT_BREAKER_TIMEOUT: OPEN_MS,
};
const OPTIONS: PolicyOptions = { timeoutMs: 10_000, concurrency: 100, queue: 0, breakAfter: 2 };

class Refused extends Error {}
const judge = (error: unknown) => (error instanceof Refused ? 'answered' : 'failed');
const fail = () => Promise.reject(new Error('connection lost'));
const refuse = () => Promise.reject(new Refused('no such thing'));
const answer = () => Promise.resolve('answer');

describe('a policy', () => {
  let metrics: Metrics;
  let policies: Policies;
  const policy = (options: Partial<PolicyOptions> = {}) => policies.create('stock', { ...OPTIONS, ...options });

  beforeEach(() => {
    metrics = createMetrics('test');
    policies = createPolicies(CONFIG, { logger: silentLogger(), metrics });
  });

  async function opened(options: Partial<PolicyOptions> = {}) {
    const made = policy(options);
    for (let call = 0; call < 2; call += 1) await assert.rejects(made.execute(fail), /connection lost/);
    assert.equal(made.state, 'open');
    return made;
  }

  async function halfOpened(options: Partial<PolicyOptions> = {}) {
    const made = await opened(options);
    await eventually(() => assert.equal(made.state, 'half_open'));
    return made;
  }

  it('passes on what the work gives and throws', async () => {
    const made = policy();
    assert.equal(await made.execute(answer), 'answer');
    await assert.rejects(made.execute(fail), { message: 'connection lost' });
    assert.equal(made.state, 'closed');
  });

  it('is made once per dependency', () => {
    policy();
    assert.throws(() => policy(), /a policy for stock exists already/);
  });

  describe('its breaker', () => {
    it('opens after failures in a row, and then refuses without asking', async () => {
      const made = await opened();
      let asked = 0;
      const count = async () => {
        asked += 1;
      };
      await assert.rejects(made.execute(count), unavailable('breaker_open', 1));
      assert.equal(asked, 0);
      assert.deepEqual(policies.states(), { stock: 'open' });
    });

    it('is half-open after its time by itself, and closes with so many successes', async () => {
      const made = await halfOpened();
      assert.equal(made.retryAfterSeconds(), 0);
      for (let call = 0; call < 2; call += 1) {
        await made.execute(answer);
        assert.equal(made.state, 'half_open');
      }
      await made.execute(answer);
      assert.equal(made.state, 'closed');
      await assert.rejects(made.execute(fail));
      assert.equal(made.state, 'closed', 'the failures of before are forgotten');
    });

    it('opens again when a trial fails, whatever the others give', async () => {
      const made = await halfOpened();
      await made.execute(answer);
      await assert.rejects(made.execute(fail));
      assert.equal(made.state, 'open');
      await eventually(() => assert.equal(made.state, 'half_open'));
      for (let call = 0; call < 3; call += 1) await made.execute(answer);
      assert.equal(made.state, 'closed');
    });

    it('refuses calls beyond the trials at once, rather than let them wait', async () => {
      const made = await halfOpened();
      const trial = Promise.withResolvers<string>();
      const trials = [1, 2, 3].map(() => made.execute(() => trial.promise));
      await assert.rejects(made.execute(answer), unavailable('breaker_open', 0));
      trial.resolve('answer');
      await Promise.all(trials);
      assert.equal(made.state, 'closed');
      assert.equal(await made.execute(answer), 'answer');
    });

    it('counts refusals as answers: they do not open it, and between failures they are signs of life', async () => {
      const made = policy({ judge });
      for (let call = 0; call < 5; call += 1) await assert.rejects(made.execute(refuse), Refused);
      await assert.rejects(made.execute(fail));
      await assert.rejects(made.execute(refuse), Refused);
      await assert.rejects(made.execute(fail));
      assert.equal(made.state, 'closed');
    });

    it('learns nothing from a call that its caller gave up', async () => {
      const left = new Error('the caller left');
      const leave = () => Promise.reject(left);
      const judgeLeft = (error: unknown) => (error === left ? 'unknown' : 'failed');
      const made = policy({ judge: judgeLeft });
      for (let call = 0; call < 5; call += 1) await assert.rejects(made.execute(leave), left);
      assert.equal(made.state, 'closed');
      await assert.rejects(made.execute(fail));
      await assert.rejects(made.execute(leave), left);
      await assert.rejects(made.execute(fail));
      assert.equal(made.state, 'open', 'it is no sign of life either');
    });

    it('closes with trials that are refused', async () => {
      const made = await halfOpened({ judge });
      for (let call = 0; call < 3; call += 1) await assert.rejects(made.execute(refuse), Refused);
      assert.equal(made.state, 'closed');
    });

    it('is not opened again by calls of before that fail late', async () => {
      const made = policy({ breakAfter: 1 });
      const late = Promise.withResolvers<never>();
      const waiting = [1, 2, 3].map(() => assert.rejects(made.execute(() => late.promise)));
      await assert.rejects(made.execute(fail));
      await eventually(() => assert.equal(made.state, 'half_open'));
      await made.execute(answer);
      late.reject(new Error('connection lost'));
      await Promise.all(waiting);
      assert.equal(made.state, 'half_open');
    });

    it('lets no more than its trials through while half-open, whatever the order of answers', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 5 }),
          fc.array(fc.constantFrom('begin', 'succeed', 'refuse'), { maxLength: 30 }),
          async (maxTrials, steps) => {
            const config = { ...CONFIG, CIRCUIT_BREAKER_MAX_REQUESTS: maxTrials, CIRCUIT_BREAKER_TIMEOUT: 1 };
            const own = createPolicies(config, { logger: silentLogger(), metrics: createMetrics('test') });
            const made = own.create('stock', { ...OPTIONS, breakAfter: 1, judge });
            await assert.rejects(made.execute(fail));
            await eventually(() => assert.equal(made.state, 'half_open'), { intervalMs: 1 });
            const underWay: PromiseWithResolvers<string>[] = [];
            let begun = 0;
            let ended = 0;
            for (const step of steps) {
              if (made.state === 'closed') break;
              if (step === 'begin') {
                const work = Promise.withResolvers<string>();
                const before = begun;
                const call = made.execute(() => {
                  begun += 1;
                  underWay.push(work);
                  return work.promise;
                });
                call.catch(() => undefined);
                await settled();
                assert.equal(begun, Math.min(before + 1, maxTrials));
              } else {
                const work = underWay.shift();
                if (work === undefined) continue;
                ended += 1;
                if (step === 'succeed') work.resolve('answer');
                else work.reject(new Refused('no such thing'));
                await settled();
                assert.equal(made.state, ended === maxTrials ? 'closed' : 'half_open');
              }
            }
            for (const work of underWay) work.resolve('answer');
          },
        ),
        { numRuns: 50 },
      );
    });
  });

  describe('its time limit', () => {
    it('ends a call, aborts its signal and counts as a failure', async () => {
      const made = policy({ timeoutMs: 5, breakAfter: 1 });
      const aborted = Promise.withResolvers<void>();
      const silent = (signal: AbortSignal) => {
        signal.addEventListener('abort', () => aborted.resolve());
        return new Promise<never>(() => undefined);
      };
      await assert.rejects(made.execute(silent), unavailable('timeout', 1));
      await aborted.promise;
      assert.equal(made.state, 'open');
    });
  });

  describe('its retries', () => {
    it('are as many as allowed and no more', async () => {
      let attempts = 0;
      const failing = () => {
        attempts += 1;
        return fail();
      };
      const made = policy({ retries: 2, breakAfter: 10 });
      await assert.rejects(made.execute(failing), /connection lost/);
      assert.equal(attempts, 3);
      assert.equal(await metric('dependency_retries_total', { dependency: 'stock' }), 2);
    });

    it('end with the first answer, and a refusal is one', async () => {
      let attempts = 0;
      const failingOnce = () => {
        attempts += 1;
        return attempts === 1 ? fail() : refuse();
      };
      await assert.rejects(policy({ retries: 5, judge }).execute(failingOnce), Refused);
      assert.equal(attempts, 2);
    });

    it('count for the breaker one by one, and end when it opens', async () => {
      let attempts = 0;
      const failing = () => {
        attempts += 1;
        return fail();
      };
      const made = policy({ retries: 9 });
      // Not that the breaker is open, which would say that the work was not done.
      await assert.rejects(made.execute(failing), /connection lost/);
      assert.equal(attempts, 2);
      assert.equal(made.state, 'open');
    });

    it('are none of what the caller gave up', async () => {
      let attempts = 0;
      const leaving = () => {
        attempts += 1;
        return fail();
      };
      await assert.rejects(policy({ retries: 5, judge: () => 'unknown' }).execute(leaving), /connection lost/);
      assert.equal(attempts, 1);
    });

    it('each have a time limit of their own', async () => {
      let attempts = 0;
      const made = policy({ retries: 1, timeoutMs: 5 });
      const silentOnce = () => {
        attempts += 1;
        return attempts === 1 ? new Promise<string>(() => undefined) : answer();
      };
      assert.equal(await made.execute(silentOnce), 'answer');
    });
  });

  describe('its bulkhead', () => {
    it('makes so many calls at a time, lets so many wait, and refuses the rest', async () => {
      const made = policy({ concurrency: 2, queue: 1 });
      const work = Promise.withResolvers<string>();
      let begun = 0;
      const call = () =>
        made.execute(() => {
          begun += 1;
          return work.promise;
        });
      const taken = [call(), call(), call()];
      await settled();
      assert.equal(begun, 2);
      await assert.rejects(call(), unavailable('too_many_calls', 0));
      work.resolve('answer');
      assert.deepEqual(await Promise.all(taken), ['answer', 'answer', 'answer']);
      assert.equal(begun, 3);
      assert.equal(made.state, 'closed', 'we were the bottleneck');
    });
  });

  it('shows its state, changes and calls as metrics', async () => {
    const made = await opened({ judge });
    assert.equal(await metric('circuit_breaker_state', { dependency: 'stock' }), 2);
    await assert.rejects(made.execute(answer));
    await eventually(() => assert.equal(made.state, 'half_open'));
    assert.equal(await metric('circuit_breaker_state', { dependency: 'stock' }), 1);
    await assert.rejects(made.execute(refuse));
    for (let call = 0; call < 2; call += 1) await made.execute(answer);
    assert.equal(await metric('circuit_breaker_state', { dependency: 'stock' }), 0);
    for (const to of ['open', 'half_open', 'closed']) {
      assert.equal(await metric('circuit_breaker_transitions_total', { dependency: 'stock', to }), 1, to);
    }
    for (const [outcome, count] of Object.entries({ failed: 2, breaker_open: 1, refused: 1, answered: 2 })) {
      const labels = { dependency: 'stock', outcome };
      assert.equal(await metric('dependency_call_seconds', labels, 'dependency_call_seconds_count'), count, outcome);
    }
  });

  async function metric(name: string, labels: Record<string, string>, metricName?: string) {
    const found = await metrics.registry.getSingleMetric(name)?.get();
    return found?.values.find(
      (value) =>
        (metricName === undefined || ('metricName' in value && value.metricName === metricName)) &&
        Object.entries(labels).every(([label, expected]) =>
          Object.entries(value.labels).some(([key, found]) => key === label && found === expected),
        ),
    )?.value;
  }
});

/** Long enough for every promise that can go on to have gone on. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function unavailable(reason: DependencyUnavailable['reason'], retryAfterSeconds: number) {
  return (error: unknown) => {
    assert.ok(error instanceof DependencyUnavailable);
    const { dependency, reason: found, retryable, retryAfterSeconds: seconds } = error;
    assert.deepEqual(
      { dependency, reason: found, retryable, seconds },
      { dependency: 'stock', reason, retryable: true, seconds: retryAfterSeconds },
    );
    return true;
  };
}
