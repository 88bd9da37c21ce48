import assert from 'node:assert/strict';
import { createDatabase, type Database, rows } from '@punctual/postgres';
import { silentLogger } from '@punctual/telemetry';
import { type TestDatabase, testDatabase } from '@punctual/testing';
import { claim, type Intent, recordFailure, recordSent } from './ledger.ts';
import { migrations } from './migrations.ts';

const AN_HOUR_MS = 3_600_000;
const SENDERS = 8;
const MAILS = 1_000;

function mail(intent: string, notAfter: string | null = null): Intent {
  return {
    intent,
    type: 'mail.order-paid',
    recipient: 'a@example.com',
    messageId: `<${intent}@punctual.test>`,
    notAfter,
  };
}

describe('the ledger of mails', function () {
  this.timeout(30_000);
  let database: TestDatabase;
  let db: Database;

  before(async () => {
    database = await testDatabase('ledger', migrations);
    db = createDatabase({ primaryUrl: database.primaryUrl, applicationName: 'ledger', logger: silentLogger() });
  });
  after(async () => {
    await db.close();
    await database.drop();
  });

  it('gives each mail to one of many senders that claim the same ones in other orders at the same time', async () => {
    const mails = Array.from({ length: MAILS }, (_, n) => mail(`race:${n}`));
    const claims = await Promise.all(
      Array.from({ length: SENDERS }, (_, n) =>
        claim(db.primary, n % 2 === 0 ? mails : mails.toReversed(), AN_HOUR_MS),
      ),
    );
    for (const { intent } of mails) {
      const answers = claims.map((answer) => answer.get(intent)).sort();
      assert.deepEqual(answers, [...Array.from({ length: SENDERS - 1 }, () => 'busy'), 'claimed'], intent);
    }
  });

  it('answers for every mail of a batch, each by its own state', async () => {
    const states = ['sent', 'failed', 'deferred', 'held', 'abandoned'].map((name) => mail(`states:${name}`));
    await claim(db.primary, states, AN_HOUR_MS);
    await recordSent(db.primary, ['states:sent']);
    await recordFailure(db.primary, 'states:failed', { status: 'failed', error: 'no such mailbox' });
    await recordFailure(db.primary, 'states:deferred', { status: 'deferred', error: 'busy' });
    await db.primary.raw("UPDATE mails SET claimed_until = now() - interval '1 s' WHERE intent = 'states:abandoned'");
    const late = mail('states:late', new Date(Date.now() - 1_000).toISOString());
    const claims = await claim(db.primary, [...states, mail('states:new'), late], AN_HOUR_MS);
    assert.deepEqual(Object.fromEntries(claims), {
      'states:sent': 'finished',
      'states:failed': 'finished',
      'states:deferred': 'claimed',
      'states:held': 'busy',
      'states:abandoned': 'claimed',
      'states:new': 'claimed',
      'states:late': 'stale',
    });
    const doubted = await rows<{ intent: string }>(db.primary, 'SELECT intent FROM mails WHERE in_doubt > 0');
    assert.deepEqual(doubted, [{ intent: 'states:abandoned' }]);
  });
});
