import type { IOptions } from 'etcd3';

type FaultHandling = NonNullable<NonNullable<IOptions['faultHandling']>['global']>;

const nothingToDispose = { dispose: (): void => undefined };

/**
 * Calls are made as they are. By default the library retries three times, and then refuses every call for 5 seconds, during which an
 * etcd that has come back would still be taken for absent.
 */
export class PassThrough implements FaultHandling {
  declare readonly _altReturn: never;
  readonly onSuccess = () => nothingToDispose;
  readonly onFailure = () => nothingToDispose;

  async execute<T>(
    call: (context: { signal: AbortSignal }) => PromiseLike<T> | T,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<T> {
    return await call({ signal });
  }
}
