import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../../infra/run.ts';
import { startProgram } from '../../../infra/supervisor.ts';
import type { Fault, World } from '../types.ts';
import { query, roles } from './databases.ts';
import { ready, stackOf, start, stop } from './programs.ts';

const SEGMENT_BYTES = 16 * 1_048_576;
const FAILOVER = 'failover';
const COMMAND_LIMIT_MS = 60_000;
/** Segments that Postgres has made in advance are used up first. */
const MOST_SWITCHES = 64;

/**
 * Postgres cannot go on when it cannot write its log: it panics, starts, and panics again. Its log folder is moved to a small
 * volume, which takes a restart of the primary, and the volume is filled up.
 */
export const diskFull: Fault = {
  name: 'disk-full',
  about: "The volume with the primary's write-ahead log is full: nothing can be committed.",
  row: 'disk full or read-only',
  targets: ['primary'],
  lastsMs: [5_000, 10_000],
  async unavailable(world) {
    if (process.getuid?.() !== 0) return 'mounting a volume takes root';
    const place = join(stackOf(world).folders.run, 'mount-trial');
    mkdirSync(place, { recursive: true });
    const { code, output } = await run(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'chaos-trial', place], {
      timeoutMs: COMMAND_LIMIT_MS,
    });
    if (code === 0) await must('umount', place);
    rmSync(place, { recursive: true, force: true });
    return code === 0 ? undefined : `a volume cannot be mounted: ${output.trim()}`;
  },
  async strike(world) {
    const { primary } = roles(world);
    const volume = volumeOf(primary.dataFolder);
    // Nobody is to take over: this is about a primary that cannot write, and what customers are told meanwhile.
    await stop(world, FAILOVER);
    await stop(world, primary.name);
    let isFull = false;
    const heal = async () => {
      rmSync(volume.ballast, { force: true });
      if (existsSync(volume.disk)) {
        await start(world, primary.name);
        await stop(world, primary.name);
        await volume.unmount();
      }
      await start(world, primary.name);
      await ready(world, 'pgpool');
      await startProgram(stackOf(world), FAILOVER);
      return { isFull };
    };
    try {
      await volume.mount(stackOf(world).serverUser);
      await start(world, primary.name);
      isFull = await fillUp(world, volume);
    } catch (error) {
      await heal();
      throw error;
    }
    return { heal };
  },
};

/** A tmpfs in the place of `pg_wal`, while the real folder waits beside it. */
function volumeOf(dataFolder: string) {
  const wal = join(dataFolder, 'pg_wal');
  const disk = join(dataFolder, 'pg_wal.disk');
  return {
    wal,
    disk,
    ballast: join(wal, 'ballast'),
    async mount(owner: string | undefined) {
      const bytes = readdirSync(wal).reduce((sum, name) => sum + statSync(join(wal, name)).size, 0);
      // Room for the ballast and for what is written until it is there.
      const size = bytes + 4 * SEGMENT_BYTES;
      await must('mv', wal, disk);
      mkdirSync(wal, { mode: 0o700 });
      await must('mount', '-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'chaos-wal', wal);
      await must('cp', '-a', `${disk}/.`, wal);
      if (owner !== undefined) await must('chown', owner, wal);
    },
    async unmount() {
      await must('find', disk, '-mindepth', '1', '-delete');
      await must('cp', '-a', `${wal}/.`, disk);
      await must('umount', wal);
      rmSync(wal, { recursive: true });
      await must('mv', disk, wal);
      await must('sync', '-f', wal);
    },
  };
}

/** Takes all room that is left, and has Postgres use up its log until it wants more of it. */
async function fillUp(world: World, { ballast }: { ballast: string }): Promise<boolean> {
  const { primary } = roles(world);
  await run(['sh', '-c', `cat /dev/zero >> "$1"`, 'sh', ballast], { timeoutMs: COMMAND_LIMIT_MS });
  for (let switches = 0; switches < MOST_SWITCHES; switches += 1) {
    try {
      await query(world, primary, "SELECT pg_logical_emit_message(true, 'chaos', 'full'); SELECT pg_switch_wal()");
    } catch (error) {
      world.log('the volume is full', { error: error instanceof Error ? error.message.slice(0, 200) : String(error) });
      return true;
    }
  }
  return false;
}

async function must(...command: string[]): Promise<void> {
  const { code, output } = await run(command, { timeoutMs: COMMAND_LIMIT_MS });
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${output.trim()}`);
}
