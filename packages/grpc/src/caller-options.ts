/** What a call carries beside its message; request id, correlation id and trace are those of the current request. */
export type CallerOptions = {
  /** The user's Authorization header as it came, passed on. */
  readonly authorization?: string | undefined;
  /** The address of the client at the edge, for throttles; believed since the call proves that a service makes it. */
  readonly clientAddress?: string | undefined;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal?: AbortSignal | undefined;
  /** In place of the client's own time limit, in milliseconds. */
  readonly timeoutMs?: number;
};
