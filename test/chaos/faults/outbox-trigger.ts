import type { World } from '../types.ts';
import { queryService } from './databases.ts';

/**
 * Has the database change each message of one service while it is written to the outbox: in the same transaction, so that
 * nothing of it is seen half done. `change` is a statement of PL/pgSQL about NEW, `condition` an expression about it.
 */
export async function changeMessages(
  world: World,
  service: string,
  { condition, change }: { condition: string; change: string },
): Promise<void> {
  await queryService(
    world,
    service,
    `CREATE OR REPLACE FUNCTION chaos_message() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN ${change}; RETURN NEW; END $$;
     CREATE OR REPLACE TRIGGER chaos_message BEFORE INSERT ON outbox FOR EACH ROW
       WHEN (${condition}) EXECUTE FUNCTION chaos_message();`,
  );
}

/** The relay passes over a row until its next attempt is due: here from the moment it is written. */
export async function postponeEvents(world: World, service: string, type: string, interval: string): Promise<void> {
  await changeMessages(world, service, {
    condition: `NEW.transport = 'kafka' AND NEW.type = '${type}'`,
    change: `NEW.next_attempt_at := now() + interval '${interval}'`,
  });
}

export async function leaveMessagesAlone(world: World, service: string): Promise<void> {
  await queryService(
    world,
    service,
    'DROP TRIGGER IF EXISTS chaos_message ON outbox; DROP FUNCTION IF EXISTS chaos_message();',
  );
}
