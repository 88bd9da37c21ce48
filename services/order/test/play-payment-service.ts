/**
 * The payment service as an order sees it: one live payment of an order, processed once, with two test cards. While
 * `isAway` it breaks every connection; `isLosing` leaves payments without an outcome.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { ERROR_STATUS, type ErrorCode, paymentApi } from '@punctual/contracts';

export const DECLINED_CARD = '4000000000000002';

export async function playPaymentService() {
  const payments = new Map<number, paymentApi.PaymentView & { number: string }>();
  const state = { isAway: false, isLosing: false, captures: 0 };

  function create(body: unknown) {
    const { order_id, method } = paymentApi.createPaymentBody.parse(body);
    const live = [...payments.values()].find((one) => one.order_id === order_id && one.status !== 'failed');
    if (live !== undefined) return failure('PAYMENT_EXISTS', { payment_id: live.id, status: live.status });
    const now = new Date().toISOString();
    const payment = {
      id: payments.size + 1,
      order_id,
      amount: '25.00',
      currency: 'USD',
      status: 'pending' as const,
      method: { type: 'card' as const, last4: method.number.slice(-4) },
      failure: null,
      captured_at: null,
      refunded_at: null,
      created_at: now,
      updated_at: now,
      number: method.number,
    };
    payments.set(payment.id, payment);
    return { status: 201, body: { data: payment } };
  }

  function process(id: number) {
    const payment = payments.get(id);
    if (payment === undefined) return failure('NOT_FOUND', null);
    if (payment.status === 'failed') return failure('ILLEGAL_TRANSITION', { current: 'failed' });
    if (state.isLosing) payment.status = 'processing';
    else if (payment.number === DECLINED_CARD) Object.assign(payment, { status: 'failed', failure: 'CARD_DECLINED' });
    else if (payment.status !== 'succeeded') {
      state.captures += 1;
      Object.assign(payment, { status: 'succeeded', captured_at: new Date().toISOString() });
    }
    return { status: 200, body: { data: payment } };
  }

  const server = createServer(async (request, response) => {
    if (state.isAway) {
      request.socket.destroy();
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const id = Number(request.url?.split('/')[2]);
    const text = Buffer.concat(chunks).toString();
    const answer =
      request.url === '/payments'
        ? create(JSON.parse(text))
        : request.method === 'POST'
          ? process(id)
          : { status: 200, body: { data: payments.get(id) } };
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    state,
    paymentsOf: (orderId: number) => [...payments.values()].filter((one) => one.order_id === orderId),
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function failure(code: ErrorCode, details: unknown) {
  return { status: ERROR_STATUS[code], body: { error: { code, message: '', details, request_id: '' } } };
}
