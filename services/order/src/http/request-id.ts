import type { IncomingHttpHeaders } from 'node:http';
import { orderApi } from '@punctual/contracts';
import { validationFailed } from '@punctual/http';

const HEADER = 'Idempotency-Key';

/** The client's name for this attempt to order, from the body or from the header; both may be given if they agree. */
export function requestIdOf(bodyValue: string | undefined, headers: IncomingHttpHeaders): string {
  const header = headers['idempotency-key'];
  if (header === undefined) {
    if (bodyValue !== undefined) return bodyValue;
    throw validationFailed([
      { field: 'request_id', message: `is required, here or as the header ${HEADER}` },
      { field: HEADER, message: 'is required, here or as request_id in the body' },
    ]);
  }
  const parsed = orderApi.requestId.safeParse(header);
  if (!parsed.success) {
    throw validationFailed(parsed.error.issues.map((issue) => ({ field: HEADER, message: issue.message })));
  }
  if (bodyValue !== undefined && bodyValue !== parsed.data) {
    throw validationFailed([{ field: HEADER, message: 'differs from request_id in the body' }]);
  }
  return parsed.data;
}
