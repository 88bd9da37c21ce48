import { randomBytes } from 'node:crypto';

const MAX_LABEL_LENGTH = 30;

/** A name of a test's own on a server that others use too: `test_<label>_<random>`, lower case letters, digits and underscores. */
export function testName(label: string): string {
  const safe = label
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .slice(0, MAX_LABEL_LENGTH);
  return `test_${safe}_${randomBytes(4).toString('hex')}`;
}

/** A prefix for the Kafka topics of one test file. */
export function topicPrefix(label: string): string {
  return `${testName(label)}.`;
}
