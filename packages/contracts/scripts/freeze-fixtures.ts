/** Notes down the sums of fixtures that are new. Refuses when one that was noted down before has changed. */
import { writeFileSync } from 'node:fs';
import { brokenSeals, readFixtures, readSums, SUMS } from './fixtures.ts';

const fixtures = readFixtures();
const sums = readSums();
const broken = brokenSeals(fixtures, sums);
if (broken.length > 0) {
  console.error(
    `published, and so never to change: ${broken.join(', ')}. Restore it and add a new version (vN+1.json).`,
  );
  process.exit(1);
}
const added = fixtures.filter(({ path }) => sums[path] === undefined);
writeFileSync(SUMS, `${JSON.stringify(Object.fromEntries(fixtures.map((f) => [f.path, f.sha256])), null, 2)}\n`);
console.log(`${added.length} fixtures added to ${fixtures.length - added.length}`);
