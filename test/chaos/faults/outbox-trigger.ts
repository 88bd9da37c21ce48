import type { World } from '../types.ts';
import { queryService } from './databases.ts';

/**
 * Has the database change each message of one service while it is written to the outbox: in the same transaction, so that
 * nothing of it is seen half done. `change` is a statement of PL/pgSQL about NEW, `condition` an expression about it. `fault`
 * names the trigger, so that two faults that strike one service leave each other's alone.
 */
export async function changeMessages(
  world: World,
  service: string,
  fault: string,
  { condition, change }: { condition: string; change: string },
): Promise<void> {
  await queryService(
    world,
    service,
    `CREATE OR REPLACE FUNCTION ${nameOf(fault)}() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN ${change}; RETURN NEW; END $$;
     CREATE OR REPLACE TRIGGER ${nameOf(fault)} BEFORE INSERT ON outbox FOR EACH ROW
       WHEN (${condition}) EXECUTE FUNCTION ${nameOf(fault)}();`,
  );
}

/** The relay passes over a row until its next attempt is due: here from the moment it is written. */
export async function postponeEvents(
  world: World,
  service: string,
  fault: string,
  { type, interval }: { type: string; interval: string },
): Promise<void> {
  await changeMessages(world, service, fault, {
    condition: `NEW.transport = 'kafka' AND NEW.type = '${type}'`,
    change: `NEW.next_attempt_at := now() + interval '${interval}'`,
  });
}

export async function leaveMessagesAlone(world: World, service: string, fault: string): Promise<void> {
  await queryService(
    world,
    service,
    `DROP TRIGGER IF EXISTS ${nameOf(fault)} ON outbox; DROP FUNCTION IF EXISTS ${nameOf(fault)}();`,
  );
}

function nameOf(fault: string): string {
  return `chaos_${fault.replaceAll('-', '_')}`;
}
