import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fault } from '../types.ts';
import type { Plan, Point } from './crash-plan.ts';
import { ready } from './programs.ts';

const COMMIT: readonly Point[] = ['before-commit', 'after-commit'];
const PUBLISH: readonly Point[] = ['before-publish', 'after-publish'];
const ACKNOWLEDGE: readonly Point[] = ['before-ack', 'after-ack'];

/** The points that each service passes. */
const POINTS_OF: Readonly<Record<string, readonly Point[]>> = {
  order: [...COMMIT, ...PUBLISH, ...ACKNOWLEDGE],
  product: [...COMMIT, ...PUBLISH, ...ACKNOWLEDGE],
  payment: [...COMMIT, ...PUBLISH, ...ACKNOWLEDGE],
  auth: [...COMMIT, ...PUBLISH],
  mail: [...ACKNOWLEDGE, 'before-data', 'after-data'],
};
const MOST_DEATHS = 6;

export const crashPoints: Fault = {
  name: 'crash-points',
  about:
    'A service dies again and again, each time right before or after a commit, a publish, an acknowledgement or SMTP DATA.',
  row: 'kill -9 before/after commit, publish, acknowledge, SMTP DATA',
  targets: Object.keys(POINTS_OF),
  lastsMs: [20_000, 30_000],
  async strike(world, target) {
    const folder = mkdtempSync(join(tmpdir(), 'chaos-crash-'));
    const plan: Plan = {
      points: POINTS_OF[target] ?? [],
      seed: world.random(1, 1_000_000_000),
      most: MOST_DEATHS,
      deaths: join(folder, 'deaths'),
    };
    await world.setServiceEnvironment(target, {
      NODE_OPTIONS: `--import ${join(import.meta.dirname, 'crash-hook.ts')}`,
      CHAOS_CRASH: JSON.stringify(plan),
    });
    let deaths: string[] | undefined;
    return {
      async heal() {
        await world.setServiceEnvironment(target, {});
        await ready(world, target);
        deaths ??= existsSync(plan.deaths) ? readFileSync(plan.deaths, 'utf8').trim().split('\n') : [];
        rmSync(folder, { recursive: true, force: true });
        return { deaths };
      },
    };
  },
};
