import { existsSync } from 'node:fs';
import { installPackages } from '../../../infra/packages.ts';
import type { Fault } from '../types.ts';
import { ready } from './programs.ts';

const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';
const SHIFTS: Readonly<Record<string, string>> = { ahead: '+3600', behind: '-3600' };

export const clockShift: Fault = {
  name: 'clock-shift',
  about: "One service's clock is an hour ahead or behind.",
  row: 'clock of one node ± 1 h',
  targets: ['order', 'auth', 'payment'].flatMap((service) => [`${service}/ahead`, `${service}/behind`]),
  lastsMs: [10_000, 20_000],
  async unavailable() {
    if (existsSync(LIBRARY)) return undefined;
    try {
      await installPackages(['libfaketime']);
    } catch (error) {
      return `libfaketime cannot be installed: ${error instanceof Error ? error.message : String(error)}`;
    }
    return existsSync(LIBRARY) ? undefined : `libfaketime is not at ${LIBRARY}`;
  },
  async strike(world, target) {
    const [service = '', direction = ''] = target.split('/');
    await world.setServiceEnvironment(service, {
      LD_PRELOAD: LIBRARY,
      FAKETIME: SHIFTS[direction] ?? '+0',
      // The wall clock alone is wrong: timeouts go by the other one, which only ever counts up.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    });
    return {
      async heal() {
        await world.setServiceEnvironment(service, {});
        await ready(world, service);
      },
    };
  },
};
