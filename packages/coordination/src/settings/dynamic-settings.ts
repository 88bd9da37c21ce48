import type { Logger, Metrics } from '@punctual/telemetry';
import type { Etcd } from '../etcd/etcd.ts';
import type { Entry } from '../etcd/snapshot.ts';
import { type ReadSetting, readSetting, type Setting } from './definitions.ts';
import { settingsFolder } from './keys.ts';

/** A setting as it is at the moment: undefined while it is not set, or was never set to anything valid. */
export type Followed<T> = { readonly current: T | undefined };

/**
 * The settings that can be changed while services run. A value that is not valid is not taken, whoever wrote it: the one before stays,
 * and the refusal is logged and counted.
 */
export type DynamicSettings = {
  /** The listener is told of every change, a return to the default included. */
  follow<T>(setting: Setting<T>, listener?: (value: T | undefined) => void): Followed<T>;
};

export type DynamicSettingsOptions = { readonly prefix: string; readonly logger: Logger; readonly metrics: Metrics };

/** `listen` begins to watch etcd; the result ends it. Without etcd there is nothing to call it with, and every setting is its default. */
export function createDynamicSettings({ prefix, logger, metrics }: DynamicSettingsOptions): DynamicSettings & {
  listen(etcd: Etcd): () => void;
} {
  const folder = settingsFolder(prefix);
  const rejections = metrics.counter({
    name: 'dynamic_config_rejected_total',
    help: 'Values of settings that were not valid and not taken',
    labelNames: ['key'],
  });
  const followers: ((entries: ReadonlyMap<string, Entry>) => void)[] = [];
  /** Of each key, the revision that was refused last: two followers refuse it as one. */
  const refused = new Map<string, string>();
  let latest: ReadonlyMap<string, Entry> = new Map();

  function refuse(key: string, entry: Entry, problems: unknown): void {
    if (refused.get(key) === entry.revision) return;
    refused.set(key, entry.revision);
    rejections.inc({ key });
    logger.error('a setting is not valid; the value before stays', { key, value: entry.value, problems });
  }

  return {
    follow<T>(setting: Setting<T>, listener?: (value: T | undefined) => void): Followed<T> {
      const followed: { current: T | undefined } = { current: undefined };
      let seen: string | undefined;
      const take = (entries: ReadonlyMap<string, Entry>): void => {
        const entry = entries.get(folder + setting.key);
        if (entry?.revision === seen) return;
        seen = entry?.revision;
        const read: ReadSetting<T | undefined> = entry === undefined ? { value: undefined } : readEntry(setting, entry);
        if (entry !== undefined && 'problems' in read) {
          refuse(setting.key, entry, read.problems);
          return;
        }
        if (!('value' in read)) return;
        followed.current = read.value;
        logger.info('a setting changed', { key: setting.key, value: entry?.value ?? 'the default' });
        listener?.(read.value);
      };
      followers.push(take);
      take(latest);
      return followed;
    },
    listen(etcd) {
      const watch = etcd.watch(folder, ({ entries }) => {
        latest = new Map(entries.map((entry) => [entry.key, entry]));
        for (const take of followers) take(latest);
      });
      return () => watch.close();
    },
  };
}

function readEntry<T>(setting: Setting<T>, { value }: Entry): ReadSetting<T> {
  try {
    return readSetting(setting, JSON.parse(value));
  } catch {
    return { problems: [{ field: 'value', message: 'is not JSON' }] };
  }
}
