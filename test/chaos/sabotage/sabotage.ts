import type { InvariantName, World } from '../types.ts';

/** `find` occurs exactly once in `file`, a path from the root of the repository. */
export type Replacement = { readonly file: string; readonly find: string; readonly replace: string };

/** What the load has to bring, so that the sabotage has something to spoil. */
export type LoadNeed = 'twins' | 'hot-product' | 'declined-cards' | 'slow-cards' | 'cancels' | 'payments' | 'reads';

/** A fault that has to strike, since without it the sabotaged piece is never needed. */
export type FaultNeed = { readonly name: string; readonly target?: string };

export type SabotageWorld = Pick<World, 'settings'>;

/** A way to break the platform that the checker has to catch. */
export type Sabotage = {
  /** kebab-case; what SABOTAGE= takes. */
  readonly name: string;
  /** One sentence for `LIST=1` and the report. */
  readonly about: string;
  readonly caughtBy: InvariantName;
  readonly needs: { readonly load: readonly LoadNeed[]; readonly faults: readonly FaultNeed[] };
  readonly replacements: readonly Replacement[];
  /** Variables of the services that run spoiled code. */
  readonly serviceEnvironment: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** How long a day of the shop lasts, where a shorter one than usual shows the same: a run ends when its orders have expired. */
  readonly shopDayMs?: number;
  /**
   * How long the platform may take to come to rest, where it is known that it never will. Longer than a day of the shop, in which
   * a sound platform does: so what is left is the sabotage's.
   */
  readonly restLimitMs?: number;
  /** Spoils what lives in the run's databases: after the migrations, before the load. */
  prepare?(world: SabotageWorld): Promise<void>;
};

/** Has these services load the hook that replaces the texts while their sources are loaded. */
export function spoiled(name: string, services: readonly string[]): Sabotage['serviceEnvironment'] {
  const hook = new URL(`./hook.ts?sabotage=${name}`, import.meta.url).href;
  return Object.fromEntries(services.map((service) => [service, { NODE_OPTIONS: `--import ${hook}` }]));
}
