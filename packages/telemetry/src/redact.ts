const REDACTED = '***';
const MAX_DEPTH = 6;
const MAX_ITEMS = 100;
const MAX_STRING_LENGTH = 8_192;

/** Compared with a key in snake_case. `code` alone is a verification code; `error_code` and `status_code` are not secret. */
const SECRET_KEY =
  /(^|_)(password|passwd|passphrase|tokens?|authorization|cookies?|secrets?|credentials?|api_key|signing_key|private_key|password_hash)$|^(code|otp|verification_code)$/;
const URL_CREDENTIALS = /(:\/\/)[^/\s@]+@/g;

/**
 * A copy that is safe to log and to serialise: secret keys and credentials inside URLs replaced, errors as plain objects, depth,
 * item count and string length bounded, circular references cut.
 */
export function redact(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return copyObject(fields, 0, new Set());
}

function copy(value: unknown, depth: number, parents: ReadonlySet<object>): unknown {
  switch (typeof value) {
    case 'string':
      return copyString(value);
    case 'bigint':
    case 'symbol':
      return String(value);
    case 'function':
      return '[function]';
    case 'object':
      return value === null ? null : copyReference(value, depth, parents);
    default:
      return value;
  }
}

function copyString(value: string): string {
  const safe = value.includes('@') ? value.replace(URL_CREDENTIALS, `$1${REDACTED}@`) : value;
  return safe.length > MAX_STRING_LENGTH ? `${safe.slice(0, MAX_STRING_LENGTH)}…` : safe;
}

function copyReference(value: object, depth: number, parents: ReadonlySet<object>): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (parents.has(value)) return '[circular]';
  if (depth >= MAX_DEPTH) return '[too deep]';
  const chain = new Set(parents).add(value);
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => copy(item, depth + 1, chain));
  if (value instanceof Error) return copyError(value, depth, chain);
  if (value instanceof Map) return copyObject(Object.fromEntries(value), depth + 1, chain);
  if (value instanceof Set) return copy([...value], depth, chain);
  return copyObject(value, depth + 1, chain);
}

/** Only the named parts of an error are kept: drivers hang whole requests, with their headers, on their errors. */
function copyError(error: Error, depth: number, parents: ReadonlySet<object>): Record<string, unknown> {
  const plain: Record<string, unknown> = { name: error.name, message: copyString(error.message) };
  if ('code' in error && error.code !== undefined) plain.code = copy(error.code, depth + 1, parents);
  if (error.stack !== undefined) plain.stack = copyString(error.stack);
  if (error.cause !== undefined) plain.cause = copy(error.cause, depth + 1, parents);
  if (error instanceof AggregateError) plain.errors = copy(error.errors, depth + 1, parents);
  return plain;
}

function copyObject(value: object, depth: number, parents: ReadonlySet<object>): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value).slice(0, MAX_ITEMS)) {
    plain[key] = inner !== undefined && inner !== null && isSecret(key) ? REDACTED : copy(inner, depth, parents);
  }
  return plain;
}

function isSecret(key: string): boolean {
  return SECRET_KEY.test(
    key
      .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
      .replaceAll('-', '_')
      .toLowerCase(),
  );
}
