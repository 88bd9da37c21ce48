export { ConfigError, type ConfigProblem } from './config-error.ts';
export { formatDuration, parseDuration, scaleTime } from './duration.ts';
export { type Environment, loadConfig } from './load-config.ts';
export {
  databaseConfig,
  discoveryConfig,
  grpcConfig,
  httpConfig,
  identityConfig,
  kafkaConfig,
  logConfig,
  rabbitConfig,
  redisConfig,
  resilienceConfig,
  timeConfig,
} from './pieces.ts';
export {
  addressList,
  bool,
  byteSize,
  csv,
  duration,
  durationList,
  factor,
  integer,
  json,
  port,
  secondsOrDuration,
  secret,
  text,
  url,
} from './variables.ts';
