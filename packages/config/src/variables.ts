import { z } from 'zod';
import { parseDuration } from './duration.ts';

/** What the loader knows of a variable beside its zod type. */
export type VariableNote = {
  /** Completes the sentence "expected …". */
  expected?: string;
  /** The value is never printed. */
  secret?: boolean;
  /** A user name and password inside the value are never printed. */
  credentials?: boolean;
};

const MAX_PORT = 65_535;
const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};
const BOOLEANS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false,
};

const notes = z.registry<VariableNote>();

/** A variable read from text: `parse` returns undefined for text that is not of the expected form. */
function textVariable<T>(note: VariableNote & { expected: string }, parse: (text: string) => T | undefined) {
  return z
    .string()
    .transform((text, context): T => {
      const value = parse(text.trim());
      if (value === undefined) {
        context.addIssue({ code: 'custom', message: note.expected });
        return z.NEVER;
      }
      return value;
    })
    .register(notes, note);
}

/** `4h`, `10m`, `1m30s`, `250ms` → a positive number of milliseconds. */
export function duration() {
  return textVariable({ expected: 'a duration such as 24h or 10m' }, parseDuration);
}

/** `60` are seconds, and every other text is what `duration` reads → a positive number of milliseconds. */
export function secondsOrDuration() {
  return textVariable({ expected: 'seconds such as 30, or a duration such as 500ms' }, (text) =>
    parseDuration(/^\d+$/.test(text) ? `${text}s` : text),
  );
}

/** `4h,12h,22h` → milliseconds, strictly ascending, at least one. */
export function durationList() {
  return textVariable({ expected: 'ascending durations such as 4h,12h,22h' }, (text) => {
    const values: number[] = [];
    for (const part of text.split(',')) {
      const ms = parseDuration(part.trim());
      if (ms === undefined || ms <= (values.at(-1) ?? 0)) return undefined;
      values.push(ms);
    }
    return values;
  });
}

/**
 * A non-empty string that is never printed: not in errors, not when the configuration object is inspected or serialised.
 * `expected` says in errors what it should have been.
 */
export function secret(expected = 'a secret') {
  return z
    .string()
    .min(1)
    .register(notes, {
      expected: `${expected}, or its file in the variable of the same name with _FILE`,
      secret: true,
    });
}

/** A non-empty string. */
export function text() {
  return z.string().min(1).register(notes, { expected: 'some text' });
}

/** 0 to 65535; 0 lets the system choose. */
export function port() {
  return textVariable({ expected: `a port from 0 to ${MAX_PORT}` }, (value) => wholeNumber(value, 0, MAX_PORT));
}

/** A whole number within bounds, both included. */
export function integer({ min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {}) {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return textVariable({ expected: `a whole number ${range}` }, (value) => wholeNumber(value, min, max));
}

/** An absolute URL with a host, kept as it was written. Its password, if it has one, is never printed. */
export function url({ example = 'http://localhost:8080' }: { example?: string } = {}) {
  return textVariable({ expected: `a URL such as ${example}`, credentials: true }, (value) => {
    const parsed = URL.canParse(value) ? new URL(value) : undefined;
    return parsed !== undefined && parsed.host !== '' ? value : undefined;
  });
}

/** `a, b` → `['a', 'b']`, at least one item, none empty. */
export function csv() {
  return textVariable({ expected: 'a comma-separated list such as a,b' }, (value) => {
    const items = value.split(',').map((item) => item.trim());
    return items.every((item) => item !== '') ? items : undefined;
  });
}

/** `localhost:7000,localhost:7001` → `[{host, port}]`, at least one. */
export function addressList() {
  return textVariable({ expected: 'addresses such as localhost:7000,localhost:7001' }, (value) => {
    const addresses: { host: string; port: number }[] = [];
    for (const item of value.split(',')) {
      const [, host, portText] = /^([^\s:/]+):(\d+)$/.exec(item.trim()) ?? [];
      const portNumber = portText === undefined ? undefined : wholeNumber(portText, 1, MAX_PORT);
      if (host === undefined || portNumber === undefined) return undefined;
      addresses.push({ host, port: portNumber });
    }
    return addresses;
  });
}

/** `true`, `yes`, `on`, `1` and their opposites, in any case. */
export function bool() {
  return textVariable({ expected: 'true or false' }, (value) => BOOLEANS[value.toLowerCase()]);
}

/** `512`, `64kb`, `1mb` (powers of ten), `1MiB` (powers of two) → a positive whole number of bytes. */
export function byteSize() {
  return textVariable({ expected: 'a size such as 64kb or 1mb' }, (value) => {
    const [, amount, unit] = /^(\d+)\s*([a-z]*)$/i.exec(value) ?? [];
    const factor = unit === undefined ? undefined : BYTE_UNITS[unit.toLowerCase()];
    if (amount === undefined || factor === undefined) return undefined;
    const bytes = Number(amount) * factor;
    return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined;
  });
}

/** A number above 0, such as the factor by which a clock runs faster. */
export function factor() {
  return textVariable({ expected: 'a number above 0' }, (value) => {
    const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
    return Number.isFinite(number) && number > 0 ? number : undefined;
  });
}

/** JSON text whose content has the given shape; a problem inside it is named by its path. */
export function json<S extends z.ZodType>(schema: S) {
  return z
    .string()
    .transform((value, context): unknown => {
      try {
        return JSON.parse(value);
      } catch {
        context.addIssue({ code: 'custom', message: 'JSON text' });
        return z.NEVER;
      }
    })
    .pipe(schema);
}

/** The note of a variable, found through `.optional()`, `.default()`, `.prefault()` and the like. */
export function noteOf(schema: z.core.$ZodType): VariableNote {
  let current: z.core.$ZodType | undefined = schema;
  let found: VariableNote = {};
  while (current !== undefined) {
    found = { ...notes.get(current), ...found };
    current = innerType(current);
  }
  return found;
}

function innerType(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  const { def } = schema._zod;
  if ('innerType' in def && def.innerType instanceof z.core.$ZodType) return def.innerType;
  if ('in' in def && def.in instanceof z.core.$ZodType) return def.in;
  return undefined;
}

function wholeNumber(value: string, min: number, max: number): number | undefined {
  const number = /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
  return Number.isSafeInteger(number) && number >= min && number <= max ? number : undefined;
}
