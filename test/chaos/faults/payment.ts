import type { Fault, World } from '../types.ts';
import { type DeafProxy, deafGrpcProxy } from './deaf-grpc-proxy.ts';
import { leaveMessagesAlone, postponeEvents } from './outbox-trigger.ts';
import { ready } from './programs.ts';

/** Postpones the event beyond the expiry, which comes a minute after the order. */
const POSTPONED = '65 seconds';
const TAKE_MONEY = '/punctual.v1.PaymentService/ProcessPayment';

export const lostAnswers: Fault = {
  name: 'lost-answers',
  about: 'The payment service takes the money and its answer to the order service is lost with the connection.',
  row: 'payment succeeded, reply lost; pay races expiry',
  targets: ['order'],
  lastsMs: [10_000, 20_000],
  async strike(world) {
    const proxy = await throughDeafProxy(world, () => world.random(0, 1) === 0);
    return {
      async heal() {
        await proxy.end();
        return { answersLost: proxy.lost() };
      },
    };
  },
};

export const paidAfterExpired: Fault = {
  name: 'paid-after-expired',
  about: 'The money is taken in time and the order service hears of it after it let the order expire.',
  row: 'every message delivered three times; paid after expired; cancelled before created',
  targets: ['order'],
  lastsMs: [70_000, 80_000],
  async strike(world) {
    await postponeEvents(world, 'payment', 'paid-after-expired', { type: 'payment.success', interval: POSTPONED });
    const proxy = await throughDeafProxy(world, () => true);
    return {
      async heal() {
        await leaveMessagesAlone(world, 'payment', 'paid-after-expired');
        await proxy.end();
        return { answersLost: proxy.lost() };
      },
    };
  },
};

/** Between the order and the payment service: calls pass, answers to those that take money are lost when `loses` says so. */
async function throughDeafProxy(world: World, loses: () => boolean) {
  const addresses = JSON.parse(world.settings.SERVICE_ADDRESSES) as Record<string, { http: string; grpc: string }[]>;
  const [payment] = addresses.payment ?? [];
  if (payment === undefined) throw new Error('the stack has no address of the payment service');
  let proxy: DeafProxy | undefined = await deafGrpcProxy({ target: payment.grpc, method: TAKE_MONEY, loses });
  const lost = proxy.lost;
  await world.setServiceEnvironment('order', {
    DISCOVERY: 'static',
    SERVICE_ADDRESSES: JSON.stringify({ ...addresses, payment: [{ ...payment, grpc: proxy.address }] }),
  });
  return {
    lost,
    async end() {
      await world.setServiceEnvironment('order', {});
      await proxy?.stop();
      proxy = undefined;
      await ready(world, 'order');
    },
  };
}
