/** One run from its stack to its evidence: load, faults, healing, rest. */
import { setTimeout as delay } from 'node:timers/promises';
import { inboxClient } from '@punctual/testing';
import type { HistoryWriter, RunRecord, Sample } from './history.ts';
import { openLinks } from './links.ts';
import { firstCustomers, startLoad } from './load/index.ts';
import { placeEagerly } from './load/ordering.ts';
import { createRecorder } from './load/recorder.ts';
import { openShop } from './load/shop.ts';
import { backlog, startObserver } from './observe.ts';
import { createProbes, type Readings } from './probes.ts';
import { type Quiescence, quiesce } from './quiesce.ts';
import { createRandom } from './random.ts';
import { allowedBacklog, recovery } from './recovery.ts';
import type { Sabotage } from './sabotage/index.ts';
import { createSchedule, type Strike } from './schedule.ts';
import { type ChaosStack, SHOP_DAY_MS, startStack } from './stack.ts';
import { percentile } from './statistics.ts';
import { playStrikes, type StrikeWorld, worldOf } from './strikes.ts';
import type { Fault, History, Operation, Outcome } from './types.ts';

const MINUTE_MS = 60_000;
/** Unknown outcomes are asked for until then, counted from the end of the load. */
const RETRY_AFTER_LOAD_MS = 30_000;
/** However many customers wait for an outcome, all of them together ask this much more often than new ones come. */
const RETRIES_PER_OPERATION = 1.5;
/** A shop's day, in which every timer comes due, and time for what was held up. */
const QUIESCE_LIMIT_MS = SHOP_DAY_MS + 240_000;
/** An order writes a few mails; a run that keeps them all can say that none was sent twice. */
const MAILS_PER_OPERATION = 4;
const LEAST_MAILS = 5_000;
const EAGER_WAIT_MS = 400;
const POLL_MS = 200;
const RATE_WINDOW_MS = 5_000;

export type CampaignOptions = {
  readonly stackName: string;
  /** When the stack is not to have the ports that go with its name. */
  readonly portBase: number | undefined;
  readonly run: RunRecord;
  readonly faults: readonly Fault[];
  readonly sabotage: Sabotage | undefined;
  readonly writer: HistoryWriter;
  readonly isCancelled: () => boolean;
  /** A line of progress; `atMs` null before the run's clock runs. */
  say(atMs: number | null, verb: string, text: string, rates?: () => string): void;
  /** Called with the open stack, which is stopped and removed when it returns. */
  judge(result: CampaignResult): Promise<void>;
  readonly keep: boolean;
};

export type CampaignResult = {
  readonly stack: ChaosStack;
  readonly history: History;
  readonly samples: readonly Sample[];
  readonly quiescence: Quiescence;
  readonly problems: readonly string[];
  readonly leftOut: readonly Strike[];
};

export async function campaign(options: CampaignOptions): Promise<void> {
  const { run, say } = options;
  const links = await openLinks(options.stackName, options.portBase);
  try {
    say(null, 'stack', `bringing up ${options.stackName} with empty data`);
    const stack = await startStack({
      name: options.stackName,
      environment: links.environment,
      services: options.sabotage?.serviceEnvironment ?? {},
      shopDayMs: options.sabotage?.shopDayMs ?? SHOP_DAY_MS,
      mostMails: LEAST_MAILS + Math.ceil(run.minutes * 60 * run.rate * MAILS_PER_OPERATION),
      keep: options.keep,
      write: (line) => say(null, 'stack', line),
    });
    try {
      const world = {
        settings: stack.settings,
        stack: stack.command,
        setServiceEnvironment: stack.setServiceEnvironment,
        links: links.links,
        log: (message: string, fields?: Readonly<Record<string, unknown>>) =>
          say(null, 'fault', fields === undefined ? message : `${message} ${JSON.stringify(fields)}`),
      };
      await options.judge(await runOnStack(options, stack, world));
    } finally {
      if (options.keep)
        say(
          null,
          'stack',
          `${options.stackName} is left running; remove it with make clean STACK=${options.stackName}`,
        );
      else {
        say(null, 'stack', `stopping ${options.stackName} and removing its data`);
        await stack.clean();
      }
    }
  } finally {
    if (!options.keep) await links.stop();
  }
}

async function runOnStack(options: CampaignOptions, stack: ChaosStack, world: StrikeWorld): Promise<CampaignResult> {
  const { run, writer } = options;
  const startedAt = performance.now();
  const startedAtMs = Date.now();
  writer.append({ line: 'run', ...run, startedAtMs });
  const recorder = createRecorder({
    startedAt,
    append: (operation) => writer.append({ line: 'operation', ...operation }),
  });
  const problems: string[] = [];
  const onError = (error: unknown) => {
    problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  };
  let inFlight = () => 0;
  let retryUntilMs = Number.POSITIVE_INFINITY;
  const probes = createProbes(stack.settings);
  const shop = await openShop({
    gatewayUrl: stack.settings.GATEWAY_URL,
    inbox: inboxClient(stack.settings.INBOX_URL),
    recorder,
    patience: {
      mayRetry: () => recorder.now() < retryUntilMs && !options.isCancelled(),
      random: createRandom(run.seed, 'patience'),
      crowdWaitMs: () => (1_000 * inFlight()) / (RETRIES_PER_OPERATION * run.rate),
    },
    random: createRandom(run.seed, 'load'),
    seed: run.seed,
    emphasis: new Set(options.sabotage?.needs.load),
  });
  await firstCustomers(shop);
  await options.sabotage?.prepare?.({ settings: stack.settings });

  const loadBeganMs = recorder.now();
  const loadEndsMs = loadBeganMs + run.minutes * MINUTE_MS;
  const load = startLoad(shop, { rate: run.rate, onError });
  inFlight = load.inFlight;
  const observer = startObserver(probes, {
    now: recorder.now,
    extra: () => ({ 'in flight': load.inFlight(), skipped: load.skipped(), ...shop.gateway.attempts() }),
    append: (sample) => writer.append({ line: 'sample', ...sample }),
    onError,
  });
  const rates = () => ratesOf(recorder.operations, recorder.now(), observer.latest());
  const say = (verb: string, text: string) => {
    const atMs = recorder.now();
    writer.append({ line: 'event', atMs, message: `${verb}: ${text}`, fields: {} });
    options.say(atMs, verb, text, rates);
  };
  say('load', `${run.rate} operations/s for ${run.minutes} min`);

  const faults: Fault[] = [];
  for (const fault of options.faults) {
    const reason = await fault.unavailable?.(worldOf(world, fault.name, createRandom(run.seed, fault.name)));
    if (reason === undefined) faults.push(fault);
    else say('left out', `${fault.name}: ${reason}`);
  }
  if (faults.length === 0 && options.faults.length > 0) problems.push('no fault that was asked for can be had here');
  const strikes = createSchedule(faults, {
    seed: run.seed,
    minutes: run.minutes,
  });
  const history: { operations: typeof recorder.operations; faults: History['faults'][number][] } = {
    operations: recorder.operations,
    faults: [],
  };
  let isOver = false;
  const player = playStrikes({
    strikes,
    faults,
    world,
    seed: run.seed,
    now: recorder.now,
    loadBeganMs,
    lastStrikeMs: strikes.length === 0 ? 0 : loadEndsMs - Math.min(8_000, run.minutes * 10_000),
    recovered: () =>
      recovery({
        order: () => placeEagerly(shop, EAGER_WAIT_MS),
        readings: observer.latest,
        allowed: allowedBacklog(run.rate),
        isOver: () => isOver || options.isCancelled(),
      }),
    afterHealing: stack.refreshSettings,
    record(record) {
      history.faults.push(record);
      writer.append({ line: 'fault', ...record });
    },
    say,
    isCancelled: options.isCancelled,
  });

  while (recorder.now() < loadEndsMs && !options.isCancelled()) await delay(POLL_MS);
  // Faults that took longer to heal than was planned: the last of them belongs to the run.
  while (player.active().length > 0) await delay(POLL_MS);
  const loadEndedMs = recorder.now();
  retryUntilMs = loadEndedMs + RETRY_AFTER_LOAD_MS;
  say('load', 'ends; waiting for open outcomes');
  await load.stop();

  await stack.refreshSettings();
  say('quiesce', 'waiting until nothing moves any more');
  let toldMs = 0;
  const quiescence = await quiesce(probes, {
    limitMs: options.sabotage?.restLimitMs ?? QUIESCE_LIMIT_MS,
    isCancelled: options.isCancelled,
    progress(left) {
      if (recorder.now() - toldMs < 10_000) return;
      toldMs = recorder.now();
      options.say(toldMs, 'quiesce', leftText(left));
    },
  });
  isOver = true;
  await player.done;
  const quiescedMs = quiescence.isQuiet ? recorder.now() - loadEndedMs : null;
  writer.append({ line: 'quiesced', quiescedMs, left: quiescence.left });
  say(
    'quiesce',
    quiescedMs === null
      ? `NOT at rest: ${leftText(quiescence.left)}`
      : `at rest ${(quiescedMs / 1_000).toFixed(1)} s after the load`,
  );
  await observer.stop();
  await probes.close();
  return {
    stack,
    history: { ...history, startedAtMs, quiescedMs },
    samples: observer.samples,
    quiescence,
    problems: [...problems, ...player.problems],
    leftOut: player.leftOut,
  };
}

/** What ended in the last five seconds, and what waits now. */
function ratesOf(operations: readonly Operation[], nowMs: number, readings: Readings): string {
  const latest: Operation[] = [];
  for (let index = operations.length - 1; index >= 0; index -= 1) {
    const operation = operations[index];
    if (operation === undefined || operation.endedMs < nowMs - RATE_WINDOW_MS) break;
    latest.push(operation);
  }
  const perSecond = (outcome: Outcome) =>
    ((1_000 * latest.filter((operation) => operation.outcome === outcome).length) / RATE_WINDOW_MS).toFixed(1);
  const p99 = percentile(
    latest.map(({ startedMs, endedMs }) => endedMs - startedMs),
    0.99,
  );
  const waiting = backlog(readings);
  return [
    `${perSecond('ok')} ok/s`,
    `${perSecond('failed')} refused/s`,
    `p99 ${p99 ?? '-'} ms`,
    `${readings['in flight'] ?? 0} in flight`,
    `backlog ${waiting ?? '?'}`,
  ].join(', ');
}

function leftText(left: Readonly<Record<string, number | null>>): string {
  const parts = Object.entries(left).map(([name, value]) => `${name} ${value ?? 'unknown'}`);
  return parts.length === 0 ? 'all lags are 0' : parts.join(', ');
}
