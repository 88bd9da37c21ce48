import { type TcpProxy, tcpProxy } from '@punctual/testing';
import type { Fault, World } from '../types.ts';
import { queryService } from './databases.ts';
import { ready } from './programs.ts';

/** Postpones the event beyond the expiry, which comes a minute after the order. */
const POSTPONED = '65 seconds';

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
    await postpone(world, 'payment', "NEW.type = 'payment.success'", POSTPONED);
    const proxy = await throughDeafProxy(world, () => true);
    return {
      async heal() {
        await takeBackPostponing(world, 'payment');
        await proxy.end();
        return { answersLost: proxy.lost() };
      },
    };
  },
};

export const cancelledBeforeCreated: Fault = {
  name: 'cancelled-before-created',
  about: 'order.created stays behind for seconds, so that order.cancelled of the same order is delivered before it.',
  row: 'every message delivered three times; paid after expired; cancelled before created',
  targets: ['order'],
  lastsMs: [12_000, 20_000],
  async strike(world) {
    await postpone(world, 'order', "NEW.type = 'order.created'", '4 seconds');
    return {
      async heal() {
        await takeBackPostponing(world, 'order');
        return { reordered: ['order.created'] };
      },
    };
  },
};

/** The relay passes over a row until its next attempt is due: here from the moment it is written. */
async function postpone(world: World, service: string, condition: string, interval: string): Promise<void> {
  await queryService(
    world,
    service,
    `CREATE OR REPLACE FUNCTION chaos_postpone() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN NEW.next_attempt_at := now() + interval '${interval}'; RETURN NEW; END $$;
     CREATE OR REPLACE TRIGGER chaos_postpone BEFORE INSERT ON outbox FOR EACH ROW
       WHEN (NEW.transport = 'kafka' AND ${condition}) EXECUTE FUNCTION chaos_postpone();`,
  );
}

async function takeBackPostponing(world: World, service: string): Promise<void> {
  await queryService(
    world,
    service,
    'DROP TRIGGER IF EXISTS chaos_postpone ON outbox; DROP FUNCTION IF EXISTS chaos_postpone();',
  );
}

/** Between the order and the payment service: requests pass, answers to those that take money are lost when `loses` says so. */
async function throughDeafProxy(world: World, loses: () => boolean) {
  let lost = 0;
  let proxy: TcpProxy | undefined = await tcpProxy(world.settings.PAYMENT_URL, {
    inspect(connection) {
      let takesMoney = false;
      return {
        toServer(chunk) {
          if (/^POST \/payments\/\d+\/process /.test(chunk.toString('latin1'))) takesMoney = true;
          return chunk;
        },
        toClient(chunk) {
          if (!takesMoney || !loses()) return chunk;
          lost += 1;
          connection.reset();
          return undefined;
        },
      };
    },
  });
  await world.setServiceEnvironment('order', { PAYMENT_URL: proxy.url.replace(/\/$/, '') });
  return {
    lost: () => lost,
    async end() {
      await world.setServiceEnvironment('order', {});
      await proxy?.stop();
      proxy = undefined;
      await ready(world, 'order');
    },
  };
}
