import type { Logger } from '@punctual/telemetry';
import { within } from './waiting.ts';

const DEFAULT_STOP_TIMEOUT_MS = 9_000;
/** What a component still gets when those stopped before it have used up the time. */
const LAST_CHANCE_MS = 100;

/** Something that runs between start and stop. `stop` is called once, and only after `start` was called. */
export type Component = {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
};

export type Lifecycle = {
  /** Add before start, in the order in which to start. */
  add(component: Component): void;
  /** Starts one after the other. When one fails, those that were started are stopped and its error is thrown. */
  start(): Promise<void>;
  /** Stops last-in-first-out within `stopTimeoutMs`; throws StopError naming the components that hung or failed. */
  stop(): Promise<void>;
};

export class StopError extends AggregateError {
  override readonly name = 'StopError';
  /** The names of the components that did not stop. */
  readonly components: readonly string[];

  constructor(failures: readonly { component: string; error: unknown }[]) {
    super(
      failures.map(({ error }) => error),
      `did not stop: ${failures.map(({ component }) => component).join(', ')}`,
    );
    this.components = failures.map(({ component }) => component);
  }
}

/**
 * Several as one: started in order, stopped all at the same time. For servers, each of which takes what the others no longer take until it
 * is told to stop as well, and may need most of the time to finish.
 */
export function together(name: string, components: readonly Component[]): Component {
  const started: Component[] = [];
  async function stop(): Promise<void> {
    const ends = await Promise.allSettled(started.map((component) => component.stop()));
    const failures = ends.flatMap((end, index) =>
      end.status === 'rejected' ? [{ component: started[index]?.name ?? name, error: end.reason as unknown }] : [],
    );
    if (failures.length > 0) throw new StopError(failures);
  }
  return {
    name,
    async start() {
      for (const component of components) {
        started.push(component);
        try {
          await component.start();
        } catch (error) {
          started.pop();
          // Whoever starts us stops only what has started.
          await Promise.allSettled([stop()]);
          throw error;
        }
      }
    },
    stop,
  };
}

/** `stopTimeoutMs` bounds the stop of all components together. */
export function lifecycle(
  logger: Logger,
  { stopTimeoutMs = DEFAULT_STOP_TIMEOUT_MS }: { stopTimeoutMs?: number } = {},
): Lifecycle {
  const components: Component[] = [];
  const started: Component[] = [];
  let stopping: Promise<void> | undefined;

  async function stopAll(): Promise<void> {
    const deadline = performance.now() + stopTimeoutMs;
    const failures: { component: string; error: unknown }[] = [];
    for (let component = started.pop(); component !== undefined; component = started.pop()) {
      const { name } = component;
      try {
        const leftMs = Math.round(Math.max(LAST_CHANCE_MS, deadline - performance.now()));
        await within(leftMs, `stopping ${name}`, component.stop());
      } catch (error) {
        logger.error('component did not stop', { component: name, error });
        failures.push({ component: name, error });
      }
    }
    if (failures.length > 0) throw new StopError(failures);
  }

  function stop(): Promise<void> {
    stopping ??= stopAll();
    return stopping;
  }

  return {
    add(component) {
      components.push(component);
    },
    async start() {
      for (const component of components) {
        if (stopping !== undefined) return;
        started.push(component);
        try {
          await component.start();
        } catch (error) {
          logger.error('component did not start', { component: component.name, error });
          started.splice(started.indexOf(component), 1);
          // What fails to stop is in the log; the caller needs to know why the start failed.
          await Promise.allSettled([stop()]);
          throw error;
        }
      }
    },
    stop,
  };
}
