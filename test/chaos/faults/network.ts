import type { Fault, LinkName, World } from '../types.ts';
import { ready } from './programs.ts';

const ROW = 'network: latency, reset, stall, partition';
const LINKS: readonly LinkName[] = ['pgpool', 'kafka', 'rabbitmq', 'smtp'];
/** Whether the services are well again shows elsewhere: another fault may last longer than this one. */
const SERVER_OF = { pgpool: 'pgpool', kafka: 'kafka', rabbitmq: 'rabbitmq', smtp: 'inbox' } as const satisfies Record<
  LinkName,
  string
>;
const DELAY_MS = [20, 120] as const;

/** A fault of one link; `target` is its name, perhaps with a direction. */
function onLink(
  fault: Pick<Fault, 'name' | 'about' | 'lastsMs'> & { targets?: readonly string[] },
  strike: (world: World, link: LinkName, rest: string | undefined) => Readonly<Record<string, unknown>> | void,
): Fault {
  return {
    row: ROW,
    targets: LINKS,
    ...fault,
    async strike(world, target) {
      const [name, rest] = target.split('/') as [LinkName, string | undefined];
      const notes = strike(world, name, rest);
      return {
        async heal() {
          world.links[name].heal();
          await ready(world, SERVER_OF[name]);
          return notes;
        },
      };
    },
  };
}

export const latency = onLink(
  {
    name: 'latency',
    about: 'Everything between the services and one server takes longer, in both directions.',
    lastsMs: [10_000, 20_000],
  },
  (world, link) => {
    const delayMs = world.random(...DELAY_MS);
    world.links[link].delay(delayMs);
    return { delayMs };
  },
);

export const reset = onLink(
  {
    name: 'reset',
    about: 'All connections to one server are reset at once; new ones are welcome.',
    lastsMs: [500, 2_000],
  },
  (world, link) => world.links[link].reset(),
);

export const stall = onLink(
  {
    name: 'stall',
    about:
      'Connections to one server stay open and nothing passes any more in one direction: requests, or only their answers.',
    targets: LINKS.flatMap((link) => [`${link}/to-server`, `${link}/to-client`]),
    lastsMs: [8_000, 15_000],
  },
  (world, link, direction) => world.links[link].stall(direction === 'to-client' ? 'to-client' : 'to-server'),
);

export const partition = onLink(
  {
    name: 'partition',
    about: 'One server cannot be reached: connections are reset and refused, while it goes on by itself.',
    lastsMs: [5_000, 15_000],
  },
  (world, link) => world.links[link].cut(),
);
