import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';

const MOST_BYTES = 64 * 1024;

/** The last lines of a log, read from its end: logs may be large. */
export function logTail(file: string, lines: number): string[] {
  if (!existsSync(file)) return ['(no log yet)'];
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const bytes = Buffer.alloc(Math.min(size, MOST_BYTES));
    readSync(descriptor, bytes, 0, bytes.length, size - bytes.length);
    const text = bytes.toString().trimEnd();
    return text === '' ? ['(empty)'] : text.split('\n').slice(-lines);
  } finally {
    closeSync(descriptor);
  }
}
