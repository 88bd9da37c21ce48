import type { Fault } from '../types.ts';
import { kafkaRestart, rabbitRestart, rabbitWipe, slowConsumer } from './brokers.ts';
import { smtpHang, smtpRefuses, smtpReset } from './mail.ts';
import { latency, partition, reset, stall } from './network.ts';
import { kill, pause } from './processes.ts';

/** Every fault that a run can draw or be told to play, in the order in which they are listed. */
export const FAULTS: readonly Fault[] = [
  kill,
  pause,
  kafkaRestart,
  rabbitRestart,
  rabbitWipe,
  slowConsumer,
  latency,
  reset,
  stall,
  partition,
  smtpRefuses,
  smtpHang,
  smtpReset,
];
