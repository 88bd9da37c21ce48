import { setTimeout as delay } from 'node:timers/promises';
import type { CommandInput } from '../command.ts';
import { postgresUrl } from '../connections.ts';
import { withStackLock } from '../lock.ts';
import { ensureSecrets, type Secrets } from '../secrets.ts';
import { createSteps } from '../steps.ts';
import { UserError } from '../user-error.ts';
import { postgresRoles } from './nodes.ts';
import { promote } from './promote.ts';
import { replicaState } from './replication.ts';

const LOOK_EVERY_MS = 1_000;
/** A primary that crashed is up again within a second or two, which costs less than a promotion. */
const PATIENCE_MS = 6_000;

/**
 * Promotes the replica when the primary has not answered for six seconds. Only a replica that was the synchronous one when the primary
 * was last seen: any other may lack commits that were acknowledged. Never returns.
 */
export async function watchPrimary({ settings, write }: CommandInput): Promise<void> {
  const secrets = ensureSecrets(settings);
  const log = (text: string) => write(`${new Date().toISOString()} ${text}`);
  let watched = '';
  let lastSeen = Date.now();
  let wasSynchronous = false;
  let said = '';
  for (;;) {
    const { primary, replica } = postgresRoles(settings);
    if (watched !== primary.name) {
      // Somebody has promoted: what is known is about the former primary.
      [watched, lastSeen, wasSynchronous] = [primary.name, Date.now(), false];
      log(`watching ${primary.name}`);
    }
    const state = await stateOfReplica(postgresUrl('postgres', secrets.superuser, primary.port, 'postgres'));
    if (state !== undefined) {
      lastSeen = Date.now();
      wasSynchronous = state === 'sync';
      said = '';
    } else if (Date.now() - lastSeen > PATIENCE_MS) {
      const words = wasSynchronous
        ? `${primary.name} has not answered for ${PATIENCE_MS / 1000} s: promoting ${replica.name}`
        : `${primary.name} does not answer, and ${replica.name} was not in step with it: leaving that to the operator`;
      if (words !== said) log(words);
      said = words;
      if (wasSynchronous) await takeOver(secrets);
    }
    await delay(LOOK_EVERY_MS);
  }

  async function takeOver(known: Secrets): Promise<void> {
    try {
      // Another command may be restarting the servers, or promoting; what it leaves is looked at afresh.
      await withStackLock(
        settings.home,
        (holder) => log(`waiting for another command (${holder})`),
        async () => {
          if (postgresRoles(settings).primary.name !== watched) return;
          await promote(settings, known, { mayLose: false, onlyWhenLost: true }, createSteps(log));
        },
      );
    } catch (error) {
      log(error instanceof UserError ? `${error.message} ${error.advice}` : String(error));
    }
  }
}

async function stateOfReplica(admin: string): Promise<string | undefined> {
  try {
    return await replicaState(admin);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
