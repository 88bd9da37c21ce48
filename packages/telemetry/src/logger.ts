import winston from 'winston';
import { batchedOutput } from './batched-output.ts';
import { currentContext } from './context.ts';
import { redact } from './redact.ts';
import { parseTraceparent } from './traceparent.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
export type LogFields = Readonly<Record<string, unknown>>;

/** The message is a constant that can be searched for; what varies goes into the fields. */
export type Logger = {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose lines carry these fields too. */
  child(fields: LogFields): Logger;
};

export type LoggerOptions = {
  service: string;
  level?: LogLevel | undefined;
  /** Where lines go; standard output when absent. */
  stream?: NodeJS.WritableStream | undefined;
};

/**
 * JSON lines: time, level, service, message, request_id, correlation_id and trace_id of the current context, then the fields, with
 * secrets replaced. A field that has the name of one of those is kept under `field_<name>`.
 */
export function createLogger({ service, level = 'info', stream }: LoggerOptions): Logger {
  const sink = winston.createLogger({
    format: winston.format.printf((line) => String(line.message)),
    transports: [new winston.transports.Stream({ stream: stream ?? process.stdout, eol: '\n' })],
  });
  setLevel(sink, level);
  if (stream === undefined) standardOutput ??= batchedOutput(process.stdout);
  return loggerOver({ sink, service, output: stream === undefined ? standardOutput : undefined }, {});
}

/** Of a logger that `createLogger` made, and of all its children; another kind of logger stays as it is. */
export function changeLogLevel(logger: Logger, level: LogLevel): void {
  const sink = sinks.get(logger);
  if (sink !== undefined) setLevel(sink, level);
}

/** Writes nothing. */
export function silentLogger(): Logger {
  const ignore = (): void => undefined;
  const logger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore, child: () => logger };
  return logger;
}

type Target = { sink: winston.Logger; service: string; output: ReturnType<typeof batchedOutput> | undefined };

/** One for all loggers of the process. */
let standardOutput: ReturnType<typeof batchedOutput> | undefined;

function loggerOver(target: Target, bound: LogFields): Logger {
  const { sink, service, output } = target;
  const write = (level: Exclude<LogLevel, 'silent'>, message: string, fields: LogFields = {}): void => {
    if (!sink.isLevelEnabled(level) || sink.silent) return;
    output?.hold();
    sink.log(level, formatLine({ level, service, message, fields: { ...bound, ...fields } }));
    if (level === 'error') output?.flush();
  };
  const logger: Logger = {
    debug: (message, fields) => write('debug', message, fields),
    info: (message, fields) => write('info', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    error: (message, fields) => write('error', message, fields),
    child: (fields) => loggerOver(target, { ...bound, ...fields }),
  };
  sinks.set(logger, sink);
  return logger;
}

function setLevel(sink: winston.Logger, level: LogLevel): void {
  sink.level = level === 'silent' ? 'error' : level;
  sink.silent = level === 'silent';
}

/** What stands behind a logger, for those who may change its level: most who log may not. */
const sinks = new WeakMap<Logger, winston.Logger>();

type Line = { level: string; service: string; message: string; fields: LogFields };

function formatLine({ level, service, message, fields }: Line): string {
  const context = currentContext();
  const line: Record<string, unknown> = { time: new Date().toISOString(), level, service, message };
  if (context?.requestId !== undefined) line.request_id = context.requestId;
  if (context?.correlationId !== undefined) line.correlation_id = context.correlationId;
  const trace = parseTraceparent(context?.traceparent);
  if (trace !== undefined) line.trace_id = trace.traceId;
  for (const [key, value] of Object.entries(redact(fields))) {
    line[Object.hasOwn(line, key) ? `field_${key}` : key] = value;
  }
  return JSON.stringify(line);
}
