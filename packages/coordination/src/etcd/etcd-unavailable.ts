/** etcd did not answer, or refused. What was asked may have been carried out when a write fails this way. */
export class EtcdUnavailable extends Error {
  override readonly name = 'EtcdUnavailable';
  readonly dependency = 'etcd';
  readonly retryable = true;

  constructor(action: string, cause: unknown) {
    super(`etcd did not ${action}`, { cause });
  }
}
