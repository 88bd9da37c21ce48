/**
 * Plays the order service by its contract: GET /orders/:id and POST /orders/:id/refund over HTTP. Whose token asks is read from the
 * token, unverified: the real service verifies it by itself.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { formatMoney, type orderApi } from '@punctual/contracts';

const DAY_MS = 86_400_000;

export type PlayedOrder = {
  id: number;
  userId: number;
  status: orderApi.OrderView['status'];
  stock: orderApi.OrderView['stock'];
  totalMinor: number;
  expiresAt: Date;
};

export type PlayedOrderService = Awaited<ReturnType<typeof playOrderService>>;

export async function playOrderService() {
  const orders = new Map<number, PlayedOrder>();
  const state = { isAway: false, calls: [] as string[] };
  let lastId = Math.floor(Math.random() * 1_000_000);

  const server = createServer((request, response) => {
    state.calls.push(`${request.method} ${request.url}`);
    if (state.isAway) {
      request.socket.destroy();
      return;
    }
    const { sub, role } = claimsOf(request.headers.authorization);
    const [, , id, action] = request.url?.split('/') ?? [];
    const order = orders.get(Number(id));
    const send = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const refuse = (status: number, code: string, details: unknown = null): void =>
      send(status, { error: { code, message: code, details, request_id: '' } });
    if (order === undefined || (role !== 'admin' && order.userId !== Number(sub))) refuse(404, 'NOT_FOUND');
    else if (action === undefined) send(200, { data: viewOf(order) });
    else if (role !== 'admin') refuse(403, 'FORBIDDEN');
    else if (order.status !== 'PAID')
      refuse(409, 'ILLEGAL_TRANSITION', { current: order.status, requested: 'REFUNDED' });
    else {
      order.status = 'REFUNDED';
      send(200, { data: viewOf(order) });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');

  return {
    url: `http://127.0.0.1:${address.port}`,
    state,
    place(userId: number, fields: Partial<PlayedOrder> = {}): PlayedOrder {
      lastId += 1;
      const expiresAt = new Date(Date.now() + DAY_MS);
      const order: PlayedOrder = {
        id: lastId,
        userId,
        status: 'PENDING',
        stock: 'reserved',
        totalMinor: 2_500_000,
        expiresAt,
        ...fields,
      };
      orders.set(order.id, order);
      return order;
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function claimsOf(authorization: string | undefined): { sub?: string; role?: string } {
  const payload = authorization?.split('.')[1] ?? '';
  return payload === '' ? {} : JSON.parse(Buffer.from(payload, 'base64url').toString());
}

function viewOf(order: PlayedOrder): orderApi.OrderView {
  const now = new Date().toISOString();
  return {
    id: order.id,
    request_id: 'request',
    status: order.status,
    reason: null,
    stock: order.stock,
    fulfillment: 'unfulfilled',
    description: '',
    shipping_address: '1 Test Street',
    notes: '',
    items: [],
    total_amount: formatMoney(order.totalMinor),
    currency: 'USD',
    expires_at: order.expiresAt.toISOString(),
    created_at: now,
    updated_at: now,
  };
}
