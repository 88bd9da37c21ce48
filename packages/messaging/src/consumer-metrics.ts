import type { Metrics } from '@punctual/telemetry';

/** Of every consumer, whichever broker it listens to. */
export function consumerMetrics(metrics: Metrics) {
  return {
    handled: metrics.counter({
      name: 'messages_handled_total',
      help: 'Messages whose handler succeeded; a redelivered one counts again.',
      labelNames: ['consumer'],
    }),
    failures: metrics.counter({
      name: 'message_handler_failures_total',
      help: 'Handler calls that failed, by what follows: wait, count or reject (see batch.ts).',
      labelNames: ['consumer', 'verdict'],
    }),
    retries: metrics.counter({
      name: 'message_retries_total',
      help: 'Messages sent through the delayed exchange to be tried again.',
      labelNames: ['consumer'],
    }),
    deadLetters: metrics.counter({
      name: 'dead_letters_total',
      help: 'Messages given up and kept with their reason.',
      labelNames: ['consumer'],
    }),
  };
}

export type ConsumerMetrics = ReturnType<typeof consumerMetrics>;
