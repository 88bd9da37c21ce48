export { type Context, currentContext, runWithContext } from './context.ts';
export {
  changeLogLevel,
  createLogger,
  type LogFields,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  silentLogger,
} from './logger.ts';
export { createMetrics, type Metrics } from './metrics.ts';
export { redact } from './redact.ts';
export { newTraceparent, parseTraceparent, type TraceparentParts } from './traceparent.ts';
