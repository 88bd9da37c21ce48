import autocannon from 'autocannon';
import { inDatabase, queryAll } from './postgres.ts';
import type { Shop } from './shop.ts';
import type { Settings } from './stack.ts';

const RESERVED_DEADLINE_MS = 120_000;
const POLL_MS = 50;

export type GatewayLoad = {
  ordersPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Answers other than 201, timeouts and connection errors. */
  errors: number;
  /** From the end of the load until no order waited for its stock any more. */
  reservedAfterMs: number;
};

/** A closed loop of orders of two items, each under a request id of its own. Ends when every order is reserved. */
export async function loadGateway(
  settings: Settings,
  { productIds, customers }: Shop,
  { seconds, connections }: { seconds: number; connections: number },
): Promise<GatewayLoad> {
  const run = Date.now().toString(36);
  let sent = 0;
  const result = await autocannon({
    url: `${settings.GATEWAY_URL}/orders`,
    connections,
    duration: seconds,
    timeout: 30,
    requests: [
      {
        method: 'POST',
        setupRequest(request) {
          sent += 1;
          const customer = customers[sent % customers.length];
          const first = sent % productIds.length;
          const second = (first + 1 + (sent % (productIds.length - 1))) % productIds.length;
          return {
            ...request,
            headers: { 'content-type': 'application/json', authorization: `Bearer ${customer?.token}` },
            body: JSON.stringify({
              request_id: `${run}-${sent}`,
              shipping_address: '1 Main Street, Springfield',
              items: [
                { product_id: productIds[first], quantity: 1 },
                { product_id: productIds[second], quantity: 2 },
              ],
            }),
          };
        },
      },
    ],
  });
  const stoppedAtMs = performance.now();
  await everyOrderReserved(settings);
  return {
    ordersPerSecond: result['2xx'] / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    errors: result.non2xx + result.errors + result.timeouts,
    reservedAfterMs: performance.now() - stoppedAtMs,
  };
}

async function everyOrderReserved(settings: Settings): Promise<void> {
  const url = inDatabase(settings.POSTGRES_ADMIN_URL, `${settings.DATABASE_PREFIX}_order`);
  const deadlineMs = performance.now() + RESERVED_DEADLINE_MS;
  for (;;) {
    const [row] = await queryAll<{ pending: boolean }>(
      url,
      "SELECT EXISTS (SELECT FROM orders WHERE status = 'PENDING' AND stock = 'pending') AS pending",
    );
    if (row?.pending === false) return;
    if (performance.now() > deadlineMs) throw new Error('orders still wait for their stock two minutes after the load');
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
