const stopping = new WeakSet<object>();

/** From here on the app's readiness says 503, so that a balancer turns elsewhere before connections close. */
export function markStopping(app: object): void {
  stopping.add(app);
}

export function isStopping(app: object): boolean {
  return stopping.has(app);
}
