/**
 * What stands after the method in a request. Proxies are attacked where two readers of one target disagree, so only the plain form
 * is let through: origin form, ASCII, no empty or dot segment, no encoded separator, nothing encoded twice.
 */

/** The API answers under both. The longer one comes first, since every path starts with the empty one. */
export const MOUNTS = ['/api/v1', ''] as const;
export type Mount = (typeof MOUNTS)[number];

export type RequestTarget = {
  mount: Mount;
  /** The path without its mount, starting with a slash. */
  path: string;
  /** The path's parts between slashes; a trailing slash adds none. */
  segments: readonly string[];
  /** With the question mark, or empty. */
  query: string;
};

const MAX_TARGET_LENGTH = 8_192;
const PLAIN_PATH = /^\/[A-Za-z0-9\-._~!$&'()*+,;=:@/%]*$/;
const PLAIN_QUERY = /^[\x21\x22\x24-\x7e]*$/;
/** Separators, the percent sign itself and control characters, in the decoded path. */
const SUSPICIOUS_ONCE_DECODED = /[\\%\p{Cc}]/u;

/** Undefined for a target that no client of ours can have meant. */
export function parseRequestTarget(target: string): RequestTarget | undefined {
  if (target.length > MAX_TARGET_LENGTH) return undefined;
  const queryStart = target.indexOf('?');
  const fullPath = queryStart === -1 ? target : target.slice(0, queryStart);
  const query = queryStart === -1 ? '' : target.slice(queryStart);
  if (!PLAIN_PATH.test(fullPath) || fullPath.includes('//') || !PLAIN_QUERY.test(query)) return undefined;
  if (fullPath.includes('%') && !isHarmlesslyEncoded(fullPath)) return undefined;
  if (fullPath.includes('/.') && fullPath.split('/').some(isDotSegment)) return undefined;

  const mount = fullPath === MOUNTS[0] || fullPath.startsWith(`${MOUNTS[0]}/`) ? MOUNTS[0] : '';
  const path = mount === '' ? fullPath : fullPath.slice(mount.length) || '/';
  const segments = path.slice(1).split('/');
  if (segments.at(-1) === '') segments.pop();
  return { mount, path, segments, query };
}

function isHarmlesslyEncoded(path: string): boolean {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    // Not percent-encoding, or not UTF-8 underneath.
    return false;
  }
  return (
    !SUSPICIOUS_ONCE_DECODED.test(decoded) &&
    count(decoded, '/') === count(path, '/') &&
    !decoded.split('/').some(isDotSegment)
  );
}

function isDotSegment(segment: string): boolean {
  return segment === '.' || segment === '..';
}

function count(text: string, character: string): number {
  return text.split(character).length;
}
