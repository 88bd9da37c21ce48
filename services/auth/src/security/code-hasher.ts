import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

const KEY_BYTES = 32;
const KEY_PURPOSE = 'punctual verification codes';

export type CodeHasher = {
  hash(userId: number, code: string): Buffer;
  /** Takes the same time wherever the two differ. */
  matches(expected: Buffer, userId: number, code: string): boolean;
};

/**
 * Six digits are found in a million guesses, so a plain hash would hide nothing from whoever reads the table. The key
 * is not in the database; the user in the message keeps equal codes of two users from looking equal.
 */
export function createCodeHasher(secret: string): CodeHasher {
  const key = Buffer.from(hkdfSync('sha256', secret, '', KEY_PURPOSE, KEY_BYTES));
  const hash = (userId: number, code: string): Buffer => createHmac('sha256', key).update(`${userId}:${code}`).digest();
  return {
    hash,
    matches(expected, userId, code) {
      const actual = hash(userId, code);
      return expected.length === actual.length && timingSafeEqual(expected, actual);
    },
  };
}
