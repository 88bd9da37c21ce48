import type { ErrorBody, Paging } from '@punctual/contracts';

/** What the gateway answered. `body` is undefined for an answer without content. */
export type Answer<T> = { status: number; headers: Headers; body: { data: T; paging?: Paging } & Partial<ErrorBody> };

/** The data of an answer that must have this status; otherwise an error that shows the whole answer. */
export function expectStatus<T>(answer: Answer<T>, status: number): T {
  if (answer.status !== status) {
    throw new Error(`expected status ${status}, got ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
  return answer.body?.data;
}
