import { setTimeout as delay } from 'node:timers/promises';
import { within } from '@punctual/lifecycle';
import { createRandom, type Random } from './random.ts';
import type { Strike } from './schedule.ts';
import type { Fault, FaultRecord, World } from './types.ts';

/** Between a healing that took long and the next strike. */
const LEAST_GAP_MS = 2_000;
/** The platform gets this long to recover before the next strike, unless the two are planned to overlap. */
const RECOVERY_PATIENCE_MS = 30_000;
/** Healing waits for proof by itself; a healing that hangs must not keep the run from ending. */
const HEAL_LIMIT_MS = 300_000;
const POLL_MS = 100;

export type StrikePlayer = {
  /** Resolves when every strike has been played, and healed and recovered from as far as it was. */
  readonly done: Promise<void>;
  /** Names of what lasts at the moment. */
  active(): readonly string[];
  /** What went wrong with the faults themselves. */
  readonly problems: readonly string[];
  /** Strikes for which no time was left, since healing took longer than planned. */
  readonly leftOut: readonly Strike[];
};

export type StrikeWorld = Omit<World, 'random' | 'setServiceEnvironment'> & {
  setServiceEnvironment(service: string, variables: Readonly<Record<string, string>>, owner: string): Promise<void>;
};

export type StrikeOptions = {
  readonly strikes: readonly Strike[];
  readonly faults: readonly Fault[];
  /** `setServiceEnvironment` is also told which strike wants the variables, so that two do not replace each other's. */
  readonly world: StrikeWorld;
  readonly seed: number;
  /** Milliseconds since the run began. */
  now(): number;
  /** When the load began, on that clock; the schedule counts from here. */
  readonly loadBeganMs: number;
  /** No strike begins after this, on that clock. */
  readonly lastStrikeMs: number;
  recovered(): Promise<number | null>;
  /** Called when a fault was healed, which may have moved servers. */
  afterHealing(): Promise<void>;
  record(record: FaultRecord): void;
  say(verb: 'strike' | 'healed' | 'recovered' | 'trouble', text: string): void;
  isCancelled(): boolean;
};

/** Plays the schedule. A strike that is planned for after a healing waits for it, however long that takes. */
export function playStrikes(options: StrikeOptions): StrikePlayer {
  const active = new Set<Strike>();
  const problems: string[] = [];
  const leftOut: Strike[] = [];
  const recoveries: Promise<void>[] = [];
  let recovering = 0;
  const byName = new Map(options.faults.map((fault) => [fault.name, fault]));
  const sleepUntil = async (isDone: () => boolean) => {
    while (!isDone() && !options.isCancelled()) await delay(POLL_MS);
  };

  async function play(strike: Strike, index: number): Promise<void> {
    const fault = byName.get(strike.fault);
    if (fault === undefined) throw new Error(`there is no fault ${strike.fault}`);
    const title = `${strike.fault} on ${strike.target}`;
    const random = createRandom(options.seed, `strike ${index}`);
    const world = worldOf(options.world, `strike ${index}`, random);
    const struckMs = options.now();
    options.say('strike', `${title} for ${(strike.lastsMs / 1_000).toFixed(1)} s`);
    let notes: Readonly<Record<string, unknown>> = {};
    try {
      const { heal } = await within(HEAL_LIMIT_MS, `striking ${title}`, fault.strike(world, strike.target));
      await sleepUntil(() => options.now() >= struckMs + strike.lastsMs);
      notes = (await within(HEAL_LIMIT_MS, `healing ${title}`, heal())) ?? {};
      await options.afterHealing();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      problems.push(`${title}: ${error.message}`);
      options.say('trouble', `${title}: ${error.message}`);
    } finally {
      active.delete(strike);
    }
    const healedMs = options.now();
    options.say('healed', `${title}, after ${((healedMs - struckMs) / 1_000).toFixed(1)} s`);
    recovering += 1;
    recoveries.push(
      (async () => {
        const recoveredMs = await options.recovered();
        recovering -= 1;
        options.record({ name: strike.fault, target: strike.target, struckMs, healedMs, recoveredMs, notes });
        const text =
          recoveredMs === null ? 'not within the run' : `${(recoveredMs / 1_000).toFixed(1)} s after healing`;
        options.say('recovered', `${title}: ${text}`);
      })(),
    );
  }

  async function playAll(): Promise<void> {
    const playing: Promise<void>[] = [];
    let endOfEarlierMs = 0;
    for (const [index, strike] of options.strikes.entries()) {
      await sleepUntil(() => options.now() >= options.loadBeganMs + strike.atMs);
      const overlaps = strike.atMs < endOfEarlierMs;
      const mostActive = overlaps ? 1 : 0;
      const isLate = active.size > mostActive;
      await sleepUntil(() => active.size <= mostActive);
      if (isLate && !options.isCancelled()) await delay(LEAST_GAP_MS);
      const patientUntilMs = options.now() + RECOVERY_PATIENCE_MS;
      await sleepUntil(() => overlaps || recovering === 0 || options.now() > patientUntilMs);
      endOfEarlierMs = Math.max(endOfEarlierMs, strike.atMs + strike.lastsMs);
      if (options.isCancelled()) break;
      if (options.now() > options.lastStrikeMs) {
        leftOut.push(strike);
        continue;
      }
      active.add(strike);
      playing.push(play(strike, index));
    }
    await Promise.all(playing);
    await Promise.all(recoveries);
  }

  return { done: playAll(), active: () => [...active].map(({ fault }) => fault), problems, leftOut };
}

/** The world of one strike: with random numbers and variables of its own. */
export function worldOf(world: StrikeWorld, owner: string, random: Random): World {
  return {
    ...world,
    random: random.between,
    setServiceEnvironment: (service, variables) => world.setServiceEnvironment(service, variables, owner),
  };
}
