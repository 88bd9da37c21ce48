/**
 * Random sequences of the saga's events against the real service and against a model, compared after every step. A failure names what
 * replays it: `SAGA_SEED=… SAGA_PATH=… SAGA_REPLAY=…` before the same command.
 */
import assert from 'node:assert/strict';
import { eventually } from '@punctual/testing';
import fc from 'fast-check';
import { type SagaDrive, startSagaDrive } from './saga-drive.ts';
import * as rule from './saga-model.ts';

const RUNS = 30;
const MAX_COMMANDS = 15;
/** Groups of runs that go on at a time, each with orders of its own: a run mostly waits for the brokers. */
const LANES = 5;
/** Bounds the search for a shorter failure. */
const SEARCH_MS = 60_000;
const { SAGA_SEED, SAGA_PATH, SAGA_REPLAY } = process.env;

type RealOrder = { id: number; told: number; another: number; expiresAt: Date };
type Model = { orders: rule.ModelOrder[] };
type Real = { drive: SagaDrive; orders: RealOrder[] };
type Pair = { model: rule.ModelOrder; real: RealOrder; drive: SagaDrive };
type Command = fc.AsyncCommand<Model, Real>;

async function assertAgrees({ model, real, drive }: Pair): Promise<void> {
  const { events, mails, timeline } = await drive.effectsOf(real.id);
  const waiting = await drive.shop.query<{ kind: string }>(
    `SELECT kind FROM order_timers WHERE order_id = :id AND state = 'waiting' ORDER BY kind`,
    { id: real.id },
  );
  assert.deepEqual(
    {
      state: await drive.stateOf(real.id),
      stock: model.stock,
      payer: model.payer,
      waiting: waiting.map(({ kind }) => kind),
      events,
      mails,
      timeline,
    },
    { ...model, waiting: model.waiting.toSorted() },
  );
}

const place: Command = {
  check: () => true,
  async run(model, { drive, orders }) {
    const id = await drive.place();
    const { expires_at: expiresAt } = await eventually(() => drive.ann.order(id));
    const real = { id, told: drive.nextPaymentId(), another: drive.nextPaymentId(), expiresAt: new Date(expiresAt) };
    orders.push(real);
    const order = rule.placed();
    model.orders.push(order);
    await assertAgrees({ model: order, real, drive });
  },
  toString: () => 'place',
};

/** A command about the `at`th order, modulo the number of them. */
function about(
  name: string,
  at: number,
  run: (pair: Pair) => Promise<void>,
  check: (order: rule.ModelOrder) => boolean = () => true,
): Command {
  const pick = <T>(orders: readonly T[]): T => {
    const found = orders[at % orders.length];
    if (found === undefined) throw new Error('there is no order');
    return found;
  };
  return {
    check: ({ orders }) => orders.length > 0 && check(pick(orders)),
    async run(model, { drive, orders }) {
      const pair = { model: pick(model.orders), real: pick(orders), drive };
      await run(pair);
      await assertAgrees(pair);
    },
    toString: () => `${name} #${at}`,
  };
}

type Answer = { status: number; error: { code: string } };
const written = ({ status, error }: Answer): string => (status < 300 ? String(status) : `${status} ${error.code}`);

function paymentOf({ real, drive }: Pair, payer: rule.Payer): number {
  if (payer !== 'requested') return real[payer];
  return (
    drive.shop.paymentService.paymentsOf(real.id).find(({ capturedAt }) => capturedAt !== undefined)?.id ?? real.told
  );
}

/** Mostly the first, so that a sequence gets somewhere. */
const index = fc.constantFrom(0, 0, 0, 1);
const payers = fc.constantFrom<rule.Payer>('told', 'requested', 'another');
const reserve = (at: number): Command =>
  about('reserve', at, async ({ model, real, drive }) => {
    rule.reserve(model);
    await drive.reserve(real.id);
  });

/** Not while its stock is pending: a payment waits two seconds for it then, which the saga's table shows once. */
const pay = (at: number, isDeclined = false): Command =>
  about(
    isDeclined ? 'pay, declined' : 'pay',
    at,
    async ({ model, real, drive }) => {
      const isPayable = rule.isPayable(model);
      if (!isDeclined) rule.capture(model, 'requested');
      const refusal = isPayable ? '409 PAYMENT_FAILED' : rule.REFUSED;
      const answer = isDeclined ? await drive.payDeclined(real.id) : await drive.pay(real.id);
      assert.equal(written(answer), isPayable && !isDeclined ? '200' : refusal);
    },
    (order) => rule.isPayable(order) || !rule.isPending(order),
  );

const commands: fc.Arbitrary<Command>[] = [
  fc.constant(place),
  index.map(reserve),
  index.map((at) =>
    about('reject', at, async ({ model, real, drive }) => {
      rule.reject(model);
      await drive.reject(real.id);
    }),
  ),
  fc.tuple(index, fc.boolean()).map(([at, isDeclined]) => pay(at, isDeclined)),
  fc.tuple(index, payers, fc.boolean(), fc.constantFrom(1, 2)).map(([at, payer, isLate, deliveries]) =>
    about(`captured ${payer}${isLate ? ', late' : ''} ×${deliveries}`, at, async (pair) => {
      const { model, real, drive } = pair;
      const capturedAt = isLate ? new Date(real.expiresAt.getTime() + 1) : new Date();
      const id = paymentOf(pair, payer);
      // A payment that no request has made is the told one.
      rule.capture(model, id === real.told ? 'told' : payer, isLate);
      await drive.succeed(real.id, id, capturedAt, deliveries);
    }),
  ),
  index.map((at) =>
    about('failed', at, async ({ model, real, drive }) => {
      rule.fail(model);
      await drive.fail(real.id, real.told);
    }),
  ),
  fc.tuple(index, payers).map(([at, payer]) =>
    about(`gave back ${payer}`, at, async (pair) => {
      const id = paymentOf(pair, payer);
      rule.giveBack(pair.model, id === pair.real.told ? 'told' : payer);
      await pair.drive.giveBack(pair.real.id, id);
    }),
  ),
  index.map((at) =>
    about('cancel', at, async ({ model, real, drive }) => {
      assert.equal(written(await drive.cancel(real.id)), rule.cancel(model));
    }),
  ),
  index.map((at) =>
    about('refund', at, async ({ model, real, drive }) => {
      assert.equal(written(await drive.refund(real.id)), rule.refund(model));
    }),
  ),
  fc.tuple(index, fc.constantFrom<rule.Step>('confirmed', 'shipped', 'delivered')).map(([at, step]) =>
    about(step, at, async ({ model, real, drive }) => {
      assert.equal(written(await drive.move(real.id, step)), rule.move(model, step));
    }),
  ),
  fc.tuple(index, fc.constantFrom<rule.Timer>('reminder-1', 'reminder-2', 'reminder-3', 'expiry')).map(([at, timer]) =>
    about(`${timer} due`, at, async ({ model, real, drive }) => {
      rule.due(model, timer);
      await drive.bringDue(real.id, timer);
    }),
  ),
];

/** How a sequence begins; left to chance, few orders would get beyond their payment. */
const beginnings = fc.constantFrom<Command[]>([place], [place, reserve(0)], [place, reserve(0), pay(0)]);

describe('the saga', () => {
  let drive: SagaDrive;

  before(async function () {
    this.timeout(60_000);
    drive = await startSagaDrive('order-saga-model');
  });
  after(() => drive.stop());

  async function checkLane(seed: number, numRuns: number): Promise<void> {
    const replay = SAGA_REPLAY === undefined ? {} : { replayPath: SAGA_REPLAY };
    const sequences = fc.commands(commands, { maxCommands: MAX_COMMANDS, size: 'max', ...replay });
    const property = fc.asyncProperty(beginnings, sequences, async (beginning, sequence) => {
      const orders: RealOrder[] = [];
      await fc.asyncModelRun(() => ({ model: { orders: [] }, real: { drive, orders } }), [...beginning, ...sequence]);
      for (const { id } of orders) await drive.assertCarried(id);
    });
    const path = SAGA_PATH === undefined ? {} : { path: SAGA_PATH };
    const details = await fc.check(property, { seed, numRuns, interruptAfterTimeLimit: SEARCH_MS, ...path });
    if (!details.failed) return;
    const replayPath = /replayPath="([^"]*)"/.exec(String(details.counterexample?.[1]))?.[1] ?? '';
    const again = `SAGA_SEED=${seed} SAGA_PATH=${details.counterexamplePath} SAGA_REPLAY=${replayPath}`;
    assert.fail(
      `to replay: ${again}\n${details.counterexample?.map(String).join(',')}\n${String(details.errorInstance)}`,
    );
  }

  it('agrees with its model after every step of any sequence', async function () {
    this.timeout(2 * SEARCH_MS);
    if (SAGA_SEED !== undefined) return await checkLane(Number(SAGA_SEED), RUNS);
    const seed = Math.floor(Math.random() * 2 ** 31);
    await Promise.all(Array.from({ length: LANES }, (_, lane) => checkLane(seed + lane, RUNS / LANES)));
  });
});
