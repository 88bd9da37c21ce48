import { bareExpress } from './bare-express.ts';
import { createP2Database, runPgbench } from './pgbench.ts';
import type { Ceilings } from './report/model.ts';
import type { Bench } from './step.ts';

/** pgpool's places, less those that the services hold. */
const PGPOOL_CLIENTS = 8;

export type StartedCeilings = {
  /** P2 on the primary before the load. */
  readonly before: number;
  /** The same again after the load, since a machine does not stay as it is. */
  finish(): Promise<Ceilings>;
};

export async function measureCeilings(bench: Bench, clients: number): Promise<StartedCeilings> {
  const { stack, shop, signal, seconds, say } = bench;
  const database = await createP2Database(stack.settings, shop);
  const both = async (when: string) => {
    signal.throwIfAborted();
    const pgbench = (through: 'primary' | 'pgpool') =>
      runPgbench(database, {
        seconds,
        clients: through === 'pgpool' ? Math.min(clients, PGPOOL_CLIENTS) : clients,
        through,
      });
    const primary = await pgbench('primary');
    const pgpool = await pgbench('pgpool');
    say(`P2 ${when}: ${Math.round(primary)} orders/s on the primary, ${Math.round(pgpool)} through pgpool`);
    return { primary, pgpool };
  };
  const before = await both('before');
  const p0 = await bareExpress(bench);
  return {
    before: before.primary,
    async finish() {
      const after = await both('after');
      await database.drop();
      return {
        p2: { before: before.primary, after: after.primary },
        p2Pgpool: { before: before.pgpool, after: after.pgpool },
        p0,
      };
    },
  };
}
