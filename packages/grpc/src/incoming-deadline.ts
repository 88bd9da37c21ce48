import { ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';

/** Set by the server itself; what a client sends under this name is replaced. */
const DEADLINE_AT_MS = 'punctual-deadline-at-ms';

/** nice-grpc shows a handler the metadata of a call and not its deadline, so that the deadline is put there. */
export const deadlineInterceptor: ServerInterceptor = (_method, call) =>
  new ServerInterceptingCall(call, {
    start(next) {
      next({
        onReceiveMetadata(metadata, pass) {
          metadata.set(DEADLINE_AT_MS, String(Number(call.getDeadline())));
          pass(metadata);
        },
      });
    },
  });

export function deadlineAtMsOf(metadata: { get(key: string): unknown }): number {
  const deadlineAtMs = Number(metadata.get(DEADLINE_AT_MS));
  return Number.isNaN(deadlineAtMs) ? Number.POSITIVE_INFINITY : deadlineAtMs;
}
