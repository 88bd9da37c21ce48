import assert from 'node:assert/strict';
import { SAGA_STATES, type SagaRow, sagaLine, sagaTable } from '@punctual/testing';
import { type SagaDrive, startSagaDrive } from './saga-drive.ts';

describe("the saga's table, driven through the order service", () => {
  const table = sagaTable();
  let drive: SagaDrive;

  before(async function () {
    this.timeout(60_000);
    drive = await startSagaDrive('order-saga');
  });
  after(() => drive.stop());

  /** The row as the service makes it true. What becomes of the money is the payment service's to show. */
  async function happening(row: SagaRow): Promise<{ id: number; happened: SagaRow }> {
    const subject = await drive.arrange(row.state);
    const { id } = subject;
    const [before, state] = [await drive.effectsOf(id), await drive.stateOf(id)];
    assert.equal(state.split(' ')[0], row.state.split(' ')[0]);
    const answer = await drive.apply(subject, row.event);
    const [after, next] = [await drive.effectsOf(id), await drive.stateOf(id)];
    const happened: SagaRow = {
      ...row,
      answer,
      next: next === state ? 'same' : next,
      events: after.events.slice(before.events.length),
      mails: after.mails.slice(before.mails.length),
      timeline: [...new Set(after.timeline.slice(before.timeline.length))],
      timers: await drive.timersOf(id),
    };
    return { id, happened };
  }

  for (const state of SAGA_STATES) {
    it(`is true of an order that is ${state}`, async function () {
      this.timeout(60_000);
      const rows = table.filter((row) => row.state === state);
      const done = await Promise.all(rows.map(happening));
      assert.deepEqual(
        done.map(({ happened }) => sagaLine(happened)),
        rows.map(sagaLine),
      );
      await Promise.all(done.map(({ id }) => drive.assertCarried(id)));
    });
  }
});
