import { type DelayedExchangeSpec, dueExchange, type Topology } from '../topology.ts';
import { delayedRoute, type ResolvedStrategy } from './delayed-exchange.ts';
import type { Routed } from './publisher.ts';
import { DUE_AT, type WireMessage } from './wire.ts';

export type Router = {
  /**
   * undefined when there is no way: publishing to an exchange that does not exist would close the channel for all, and a
   * due time given to a plain exchange would be lost.
   */
  route(message: WireMessage): Routed | undefined;
  /** Settles what `auto` means on the broker that was just connected to. */
  resolveStrategies(hasPlugin: () => Promise<boolean>): Promise<void>;
  strategyOf(delayedExchange: string): ResolvedStrategy;
};

/** Knows where a message of the declared topology goes. `declared` may grow. */
export function createRouter(declared: readonly Topology[]): Router {
  const strategies = new Map<string, ResolvedStrategy>();
  const delayed = (): DelayedExchangeSpec[] => declared.flatMap((topology) => topology.delayed);

  function strategyOf(name: string): ResolvedStrategy {
    const strategy = strategies.get(name);
    if (strategy === undefined) throw new Error(`${name} is not a delayed exchange of the declared topology`);
    return strategy;
  }

  function isPlain(exchange: string): boolean {
    if (exchange === '' || declared.some(({ exchanges }) => exchanges.includes(exchange))) return true;
    return delayed().some(({ name }) => dueExchange(name) === exchange);
  }

  return {
    strategyOf,
    async resolveStrategies(hasPlugin) {
      let answer: boolean | undefined;
      for (const { name, strategy } of delayed()) {
        if (strategy === 'auto') answer ??= await hasPlugin();
        strategies.set(name, strategy === 'auto' ? (answer === true ? 'plugin' : 'ttl') : strategy);
      }
    },
    route(message) {
      const { exchange, dueAtMs } = message;
      const spec = delayed().find(({ name }) => name === exchange);
      if (spec === undefined) {
        return dueAtMs === undefined && isPlain(exchange) ? { exchange, mandatory: true, message } : undefined;
      }
      const due = dueAtMs ?? 0;
      const to = delayedRoute(spec, strategyOf(exchange), { dueAtMs: due, nowMs: Date.now() });
      const headers = { ...message.headers, ...to.headers, ...(dueAtMs === undefined ? {} : { [DUE_AT]: dueAtMs }) };
      return { exchange: to.exchange, mandatory: to.mandatory, message: { ...message, headers } };
    },
  };
}
