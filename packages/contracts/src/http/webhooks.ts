import type { PlainOperation } from '../openapi.ts';
import { headersOf } from '../openapi-answers.ts';

/** Where a payment provider tells what happened. Not a route for clients: no token opens it, but a signature over the body's bytes. */
export const webhookOperation: PlainOperation = {
  method: 'post',
  path: '/payments/webhooks/{provider}',
  operation: {
    operationId: 'receiveWebhook',
    tags: ['payments'],
    summary: "Hear a payment provider's event; the same event twice changes nothing",
    description:
      'The signature is that of the provider over the very bytes of the body: `Punctual-Signature` for the sandbox, `Stripe-Signature` for Stripe. At most 65,536 bytes.',
    security: [],
    parameters: [
      {
        name: 'provider',
        in: 'path',
        required: true,
        description: 'The provider that this shop is configured for; others are not found.',
        schema: { type: 'string', enum: ['sandbox', 'stripe'] },
      },
      ...['Punctual-Signature', 'Stripe-Signature'].map((name) => ({
        name,
        in: 'header',
        required: false,
        schema: {
          type: 'string',
          examples: ['t=1767225600,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd'],
        },
      })),
    ],
    requestBody: { required: true, content: { 'application/json': { schema: { type: 'object' } } } },
    responses: {
      200: {
        description: 'Heard',
        headers: headersOf(),
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: {
                data: { type: 'object', properties: { received: { const: true } }, required: ['received'] },
              },
              required: ['data'],
            },
          },
        },
      },
    },
  },
  failures: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'NOT_FOUND', 'PAYLOAD_TOO_LARGE', 'INTERNAL', 'UNAVAILABLE'],
};
