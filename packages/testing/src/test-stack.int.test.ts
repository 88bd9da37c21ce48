import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createDatabase, one, rows } from '@punctual/postgres';
import { silentLogger } from '@punctual/telemetry';
import { createTransport } from 'nodemailer';
import { inboxClient } from './inbox-client.ts';
import { servers } from './servers.ts';
import { testDatabase } from './test-database.ts';
import { testVhost } from './test-vhost.ts';

describe('the servers of the test stack', () => {
  it('give a migrated database that the primary, the replica and pgpool know, and drop it with its connections', async () => {
    const database = await testDatabase('stack', [
      {
        name: '0001-things',
        up: async (tx) => {
          await tx.raw('CREATE TABLE things AS SELECT 7 AS id');
        },
        down: async (tx) => {
          await tx.raw('DROP TABLE things');
        },
      },
    ]);
    const { primaryUrl, replicaUrl, pgpoolUrl } = database;
    const direct = createDatabase({ primaryUrl, replicaUrl, applicationName: 'stack', logger: silentLogger() });
    const pooled = createDatabase({
      primaryUrl: pgpoolUrl,
      replicaUrl: pgpoolUrl,
      applicationName: 'stack',
      logger: silentLogger(),
    });
    try {
      for (const queryable of [direct.primary, direct.replica, pooled.primary, pooled.replica]) {
        assert.deepEqual(await rows(queryable, 'SELECT id FROM things'), [{ id: 7 }]);
      }
    } finally {
      await pooled.close();
      await database.drop();
    }
    await assert.rejects(one(direct.primary, 'SELECT 1'));
    await direct.close();
  });

  it('route by application name: what writes is never sent to the standby, what reads is, with the same limits', async () => {
    const database = await testDatabase('routing');
    const url = database.pgpoolUrl;
    const db = createDatabase({ primaryUrl: url, replicaUrl: url, applicationName: 'stack', logger: silentLogger() });
    const look = `SELECT current_setting('port') AS port, current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock`;
    try {
      // A volatile function such as pg_is_in_recovery() would itself send the query to the primary.
      const primaryPort = new URL(servers().postgres.primaryUrl).port;
      const replicaPort = new URL(servers().postgres.replicaUrl).port;
      const limits = { statement: '10s', lock: '5s' };
      for (let turn = 0; turn < 10; turn += 1) {
        assert.deepEqual(await one(db.primary, look), { port: primaryPort, ...limits });
        assert.deepEqual(await db.transaction((tx) => one(tx, look)), { port: primaryPort, ...limits });
        assert.deepEqual(await one(db.replica, look), { port: replicaPort, ...limits });
      }
    } finally {
      await db.close();
      await database.drop();
    }
  });

  it('give a vhost with all rights in it', async () => {
    const vhost = await testVhost('stack');
    assert.ok(vhost.url.endsWith(`/${vhost.name}`));
    await vhost.api('PUT', `queues/${vhost.name}/q`, { durable: true });
    assert.ok(await vhost.api('GET', `queues/${vhost.name}/q`));
    await vhost.drop();
    await assert.rejects(vhost.api('GET', `vhosts/${vhost.name}`), /404/);
  });

  it('receive mail that the inbox client finds by address, in any case', async () => {
    const { smtp, inbox } = servers();
    const address = `${randomUUID()}@punctual.test`;
    const transport = createTransport({ host: smtp.host, port: smtp.port });
    await transport.sendMail({
      from: 'shop@punctual.test',
      to: address,
      subject: 'Grüße',
      text: 'text',
      html: '<b>html</b>',
    });
    transport.close();
    const client = inboxClient(inbox.url);
    const mail = await client.waitForMail(address.toUpperCase(), ({ subject }) => subject === 'Grüße');
    assert.equal(mail.from, 'shop@punctual.test');
    assert.deepEqual(mail.to, [address]);
    assert.match(mail.text, /^text/);
    assert.match(mail.html, /<b>html<\/b>/);
    assert.ok(mail.headers['message-id']);
    assert.equal((await client.mailsTo(address)).length, 1);
    await assert.rejects(
      client.waitForMail(address, ({ subject }) => subject === 'other', { timeoutMs: 50 }),
      /there are 1: "Grüße"/,
    );
  });
});
