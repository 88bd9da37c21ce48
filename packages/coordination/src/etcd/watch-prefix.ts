import { pause } from '@punctual/lifecycle';
import { type IDuplexStream, type IWatchRequest, type IWatchResponse, Range } from 'etcd3';
import type { Entry, Snapshot } from './snapshot.ts';

/**
 * Follows a prefix for ever: list ──▶ follow from the next revision ──▶ (stream over, for whatever reason) wait, list again.
 *
 * Listing anew after every end of a stream covers all that can happen meanwhile with one rule: changes that were missed, a history
 * that was compacted, and an etcd that came back empty, whose revisions are lower than those seen before.
 */

const FIRST_WAIT_MS = 100;
const MAX_WAIT_MS = 1_000;
const CREATE_TIMEOUT_MS = 3_000;

export type PrefixWatch = { close(): void };

export type WatchPrefixOptions = {
  /** A stream, and what ends it when its member is not asked any more. */
  readonly open: () => Promise<{ stream: IDuplexStream<IWatchRequest, IWatchResponse>; left: AbortSignal }>;
  readonly list: (prefix: string) => Promise<Snapshot>;
  readonly prefix: string;
  readonly listener: (snapshot: Snapshot) => void;
  readonly onAnswer: () => void;
  readonly onFailure: (error: unknown) => void;
};

export function watchPrefix(options: WatchPrefixOptions): PrefixWatch {
  const { open, list, prefix, listener, onAnswer, onFailure } = options;
  const closing = new AbortController();
  void run();
  return { close: () => closing.abort() };

  /** Never rejects: a failure is noted, and everything begins anew. */
  async function run(): Promise<void> {
    let waitMs = FIRST_WAIT_MS;
    while (!closing.signal.aborted) {
      try {
        const snapshot = await list(prefix);
        waitMs = FIRST_WAIT_MS;
        await follow(snapshot);
      } catch (error) {
        if (!closing.signal.aborted) onFailure(error);
      }
      await pause(waitMs, closing.signal);
      waitMs = Math.min(MAX_WAIT_MS, waitMs * 2);
    }
  }

  /** Rejects with the reason why the stream is over; returns when it was closed or its member left. */
  async function follow(first: Snapshot): Promise<void> {
    if (closing.signal.aborted) return;
    const entries = new Map(first.entries.map((entry) => [entry.key, entry]));
    listener(first);
    const { stream, left } = await open();
    let createTimer: NodeJS.Timeout | undefined;
    const cancel = Promise.withResolvers<void>();
    const over = AbortSignal.any([closing.signal, left]);
    const onOver = (): void => cancel.resolve();
    over.addEventListener('abort', onOver);
    // Listened to until the stream is gone: an error that comes after the cancellation concerns nobody, but must not be unhandled.
    stream.on('error', (error: unknown) => cancel.reject(error));
    stream.on('end', () => cancel.reject(new Error('the watch ended')));
    stream.on('data', (response) => {
      if (response.canceled) {
        cancel.reject(new Error(`the watch was cancelled: ${response.cancel_reason || 'its history was compacted'}`));
        return;
      }
      onAnswer();
      if (response.created) clearTimeout(createTimer);
      if (response.events.length === 0) return;
      try {
        apply(entries, response);
        listener({ revision: response.header.revision, entries: [...entries.values()] });
      } catch (error) {
        cancel.reject(error);
      }
    });
    try {
      if (over.aborted) return;
      createTimer = setTimeout(() => cancel.reject(new Error('the watch was not created in time')), CREATE_TIMEOUT_MS);
      const { start, end } = Range.prefix(prefix);
      const from = String(BigInt(first.revision) + 1n);
      stream.write({ create_request: { key: start, range_end: end, start_revision: from } });
      await cancel.promise;
    } finally {
      clearTimeout(createTimer);
      over.removeEventListener('abort', onOver);
      stream.cancel();
    }
  }
}

function apply(entries: Map<string, Entry>, response: IWatchResponse): void {
  for (const { type, kv } of response.events) {
    const key = kv.key.toString();
    // On the wire these are in capitals, whatever the library's types say.
    if (type.toLowerCase() === 'delete') entries.delete(key);
    else entries.set(key, { key, value: kv.value.toString(), revision: kv.mod_revision });
  }
}
