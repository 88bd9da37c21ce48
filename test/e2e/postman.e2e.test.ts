import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { platformAt, settings } from './platform.ts';

const ROOT = join(import.meta.dirname, '../..');

describe('the Postman collection', function () {
  this.timeout(90_000);
  before(() => platformAt(1));

  it('passes twice in a row', async () => {
    for (let round = 1; round <= 2; round += 1) {
      const { stdout } = await promisify(execFile)(process.execPath, ['postman/run.ts'], {
        cwd: ROOT,
        env: { ...process.env, GATEWAY_URL: settings.GATEWAY_URL, INBOX_URL: settings.INBOX_URL },
        maxBuffer: 16 * 1024 * 1024,
      });
      assert.notEqual(stdout, '');
    }
  });
});
