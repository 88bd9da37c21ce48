import type { IncomingMessage } from 'node:http';
import { type HttpAppOptions, nameRoute, payloadTooLarge, sendJson } from '@punctual/http';
import type { createReceiveWebhook } from '../commands/receive-webhook.ts';

const PATH = '/payments/webhooks/:provider';
const LIMIT_BYTES = 65_536;

/**
 * Where the provider tells what happened. It is not in the contracts' list, which is for clients: no token opens it but a signature
 * over the very bytes that came, so the body is read raw.
 */
export function webhookRoute(receiveWebhook: ReturnType<typeof createReceiveWebhook>): HttpAppOptions['extend'] {
  return (app) => {
    app.post(PATH, nameRoute(PATH), async (req, res) => {
      const rawBody = await readRaw(req);
      await receiveWebhook({ providerName: String(req.params.provider), rawBody, headers: req.headers });
      sendJson(res, 200, { data: { received: true } });
    });
  };
}

async function readRaw(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req) {
    const bytes: Buffer = Buffer.from(chunk);
    size += bytes.length;
    if (size > LIMIT_BYTES) throw payloadTooLarge(LIMIT_BYTES, { closeConnection: true });
    chunks.push(bytes);
  }
  return Buffer.concat(chunks, size);
}
