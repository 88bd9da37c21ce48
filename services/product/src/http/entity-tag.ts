import { preconditionRequired, validationFailed } from '@punctual/http';
import type { Expected } from '../commands/catalog.ts';

const MAX_TAGS = 20;
/** A version as we hand it out. Proxies that compress turn it into a weak one, so that is taken too. */
const TAG = /^(?:W\/)?"([1-9]\d{0,8})"$/;

/** The ETag of a product: its version. */
export function entityTag(version: number): string {
  return `"${version}"`;
}

/**
 * Which versions a change may be based on. `"3"` or a list of such names them; `*` takes whatever there is, for those
 * who mean to overwrite. Throws 428 when the header is missing and 400 when it is something else.
 */
export function expectedVersion(ifMatch: string | undefined): Expected {
  if (ifMatch === undefined) {
    throw preconditionRequired('Send If-Match with the ETag of the product that the change is based on.');
  }
  if (ifMatch.trim() === '*') return 'any';
  const versions = ifMatch.split(',', MAX_TAGS + 1).map((part) => Number(TAG.exec(part.trim())?.[1]));
  if (versions.length > MAX_TAGS || versions.some(Number.isNaN)) {
    throw validationFailed([{ field: 'If-Match', message: 'must be an ETag such as "3", a list of them, or *' }]);
  }
  return versions;
}
