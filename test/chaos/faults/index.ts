import type { Fault } from '../types.ts';
import { kafkaRestart, rabbitRestart, rabbitWipe, slowConsumer } from './brokers.ts';
import { clockShift } from './clock.ts';
import { crashPoints } from './crash-points.ts';
import { diskFull } from './disk.ts';
import { smtpHang, smtpRefuses, smtpReset } from './mail.ts';
import { latency, partition, reset, stall } from './network.ts';
import { cancelledBeforeCreated, nextVersion } from './order-of-events.ts';
import { lostAnswers, paidAfterExpired } from './payment.ts';
import { poison } from './poison.ts';
import { postgresPromote, postgresRestart, readOnly, replicaDelay } from './postgres.ts';
import { kill, pause } from './processes.ts';
import { rebalanceStorm } from './rebalance.ts';
import { redisDown, redisFailover, redisFlush } from './redis.ts';
import { longOutage, timersAtOnce } from './time.ts';
import { tripleDelivery } from './triple-delivery.ts';

/** Every fault that a run can draw or be told to play, in the order in which they are listed. */
export const FAULTS: readonly Fault[] = [
  kill,
  crashPoints,
  pause,
  kafkaRestart,
  rabbitRestart,
  rabbitWipe,
  slowConsumer,
  rebalanceStorm,
  redisFlush,
  redisDown,
  redisFailover,
  postgresRestart,
  postgresPromote,
  replicaDelay,
  readOnly,
  diskFull,
  latency,
  reset,
  stall,
  partition,
  tripleDelivery,
  poison,
  cancelledBeforeCreated,
  paidAfterExpired,
  nextVersion,
  lostAnswers,
  clockShift,
  longOutage,
  timersAtOnce,
  smtpRefuses,
  smtpHang,
  smtpReset,
];
