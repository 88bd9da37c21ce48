import type { Migration } from '@punctual/postgres';

/** Tables outbox, inbox and dead_letters; put it in front of a service's own migrations. */
export const messagingMigrations: readonly Migration[] = [];
