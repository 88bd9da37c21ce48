import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Etcd, WriteOperation } from '../etcd/etcd.ts';
import { EtcdUnavailable } from '../etcd/etcd-unavailable.ts';
import type { Entry } from '../etcd/snapshot.ts';
import { findSetting, readSetting, SETTINGS, type SettingProblem } from './definitions.ts';
import { auditFolder, settingsFolder } from './keys.ts';

/** Older changes are forgotten. */
export const MAX_AUDIT_ENTRIES = 1_000;
/** How many more than that one change takes away: some may have come in at once. */
const MAX_TRIMMED = 20;
const MAX_ATTEMPTS = 10;

/** A setting as an administrator sees it. */
export type SettingState = {
  readonly key: string;
  readonly about: string;
  readonly default_from: string;
  /** As it was written; null while the default holds. */
  readonly value: unknown;
  /** Of the value; '0' while the default holds. A change may ask for it, so that it does not undo another's. */
  readonly revision: string;
};

const auditEntry = z.object({
  who: z.string(),
  when: z.iso.datetime(),
  key: z.string(),
  from: z.unknown(),
  to: z.unknown(),
});
/** `from` and `to` are null where the default holds. */
export type AuditEntry = z.infer<typeof auditEntry>;

export type ChangeOptions = {
  /** Who changes it. */
  readonly who: string;
  /** The revision that the value must still have; any when absent. */
  readonly revision?: string | undefined;
};

/** A change that was not made, and why. Nothing was written. */
export class SettingRefused extends Error {
  override readonly name = 'SettingRefused';
  readonly reason: 'unknown_key' | 'not_valid' | 'changed_meanwhile';
  /** What is wrong with the value. */
  readonly problems: readonly SettingProblem[];

  constructor(reason: SettingRefused['reason'], message: string, problems: readonly SettingProblem[] = []) {
    super(message);
    this.reason = reason;
    this.problems = problems;
  }
}

/** Reads and changes settings, for whoever may. Throws SettingRefused or EtcdUnavailable. */
export type SettingsDesk = {
  list(): Promise<SettingState[]>;
  get(key: string): Promise<SettingState>;
  set(key: string, value: unknown, options: ChangeOptions): Promise<SettingState>;
  unset(key: string, options: ChangeOptions): Promise<SettingState>;
  /** The latest first. */
  audit(limit: number): Promise<AuditEntry[]>;
};

export function createSettingsDesk(
  etcd: Etcd,
  prefix: string,
  { maxAuditEntries = MAX_AUDIT_ENTRIES, now = () => new Date() }: { maxAuditEntries?: number; now?: () => Date } = {},
): SettingsDesk {
  const folder = settingsFolder(prefix);

  /** Value, note and the removal of the oldest notes are one transaction: no change without a note of it, no note without a change. */
  async function change(key: string, value: unknown, { who, revision }: ChangeOptions): Promise<SettingState> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const before = stateOf(key, await etcd.get(folder + key));
      if (revision !== undefined && revision !== before.revision) {
        throw new SettingRefused(
          'changed_meanwhile',
          `${key} has changed meanwhile: its revision is ${before.revision}.`,
        );
      }
      const note: AuditEntry = { who, when: now().toISOString(), key, from: before.value, to: value };
      const noteKey = `${auditFolder(prefix)}${note.when}-${randomUUID()}`;
      const operations: WriteOperation[] = [
        value === null ? { delete: folder + key } : { put: folder + key, value: JSON.stringify(value) },
        { put: noteKey, value: JSON.stringify(note) },
        ...(await oldNotes()),
      ];
      const isDone = await etcd.write(operations, [{ key: folder + key, revision: before.revision }]);
      // A note of this change tells that a member took it without an answer, before another was asked and found its condition broken.
      if (isDone || (await etcd.get(noteKey)) !== undefined) return stateOf(key, await etcd.get(folder + key));
    }
    throw new EtcdUnavailable('take the change', new Error(`others changed it ${MAX_ATTEMPTS} times meanwhile`));
  }

  async function oldNotes(): Promise<WriteOperation[]> {
    const { entries } = await etcd.list(auditFolder(prefix));
    const surplus = Math.min(MAX_TRIMMED, Math.max(0, entries.length + 1 - maxAuditEntries));
    return entries.slice(0, surplus).map(({ key }) => ({ delete: key }));
  }

  return {
    async list() {
      const { entries } = await etcd.list(folder);
      const byKey = new Map(entries.map((entry) => [entry.key, entry]));
      return SETTINGS.map(({ key }) => stateOf(key, byKey.get(folder + key)));
    },
    async get(key) {
      return stateOf(key, await etcd.get(folder + key));
    },
    async set(key, value, options) {
      const read = readSetting(settingOf(key), value);
      if ('problems' in read) throw new SettingRefused('not_valid', `The value of ${key} is not valid.`, read.problems);
      return await change(key, value, options);
    },
    async unset(key, options) {
      settingOf(key);
      return await change(key, null, options);
    },
    async audit(limit) {
      const { entries } = await etcd.list(auditFolder(prefix));
      return entries
        .slice(-limit)
        .reverse()
        .map(({ value }) => auditEntry.parse(JSON.parse(value)));
    },
  };
}

function settingOf(key: string) {
  const setting = findSetting(key);
  if (setting !== undefined) return setting;
  const keys = SETTINGS.map((known) => known.key).join(', ');
  throw new SettingRefused('unknown_key', `There is no setting ${key}. There are: ${keys}.`);
}

function stateOf(key: string, entry: Entry | undefined): SettingState {
  const { about, defaultFrom } = settingOf(key);
  const value = entry === undefined ? null : parseJson(entry.value);
  return { key, about, default_from: defaultFrom, value, revision: entry?.revision ?? '0' };
}

/** What somebody wrote past this desk may be anything; it is shown as it stands. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
