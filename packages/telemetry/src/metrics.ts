import {
  Counter,
  type CounterConfiguration,
  collectDefaultMetrics,
  Gauge,
  type GaugeConfiguration,
  Histogram,
  type HistogramConfiguration,
  Registry,
} from 'prom-client';

const EVENT_LOOP_PRECISION_MS = 50;

type Without<C> = Omit<C, 'registers'>;

/**
 * One registry per application instance, so that several run in one process. A metric asked for again by the same name is the one
 * that exists already; asking for it as another kind is a programmer's mistake and throws.
 */
export type Metrics = {
  readonly registry: Registry;
  counter<L extends string = never>(options: Without<CounterConfiguration<L>>): Counter<L>;
  gauge<L extends string = never>(options: Without<GaugeConfiguration<L>>): Gauge<L>;
  histogram<L extends string = never>(options: Without<HistogramConfiguration<L>>): Histogram<L>;
  /** Adds memory, CPU, garbage collection and event loop metrics of the process; once, however often it is called. */
  processMetrics(): void;
};

/** Every metric carries the label `service`. */
export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  const registers = [registry];
  let hasProcessMetrics = false;
  return {
    registry,
    counter<L extends string>(options: Without<CounterConfiguration<L>>): Counter<L> {
      const known = registry.getSingleMetric(options.name);
      if (known === undefined) return new Counter<L>({ ...options, registers });
      if (known instanceof Counter) return known;
      throw new TypeError(`metric ${options.name} exists and is no counter`);
    },
    gauge<L extends string>(options: Without<GaugeConfiguration<L>>): Gauge<L> {
      const known = registry.getSingleMetric(options.name);
      if (known === undefined) return new Gauge<L>({ ...options, registers });
      if (known instanceof Gauge) return known;
      throw new TypeError(`metric ${options.name} exists and is no gauge`);
    },
    histogram<L extends string>(options: Without<HistogramConfiguration<L>>): Histogram<L> {
      const known = registry.getSingleMetric(options.name);
      if (known === undefined) return new Histogram<L>({ ...options, registers });
      if (known instanceof Histogram) return known;
      throw new TypeError(`metric ${options.name} exists and is no histogram`);
    },
    processMetrics() {
      if (hasProcessMetrics) return;
      hasProcessMetrics = true;
      collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS });
    },
  };
}
