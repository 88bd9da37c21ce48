import type { Bench } from '../step.ts';
import type { OrderRate } from './order-rate.ts';

export type Fact = {
  readonly name: string;
  readonly value: number | string;
  readonly unit?: string;
};

export type Finding = {
  readonly orders?: OrderRate;
  /** What this workload is about besides the rate. */
  readonly facts: readonly Fact[];
  /** What must not be: oversold stock, two orders of one request. */
  readonly problems: readonly string[];
};

export type RateOptions = {
  readonly fixedRate?: number;
  readonly start: number;
  readonly most?: number;
  /** What W1 sustained earlier in this run. */
  readonly uniformMax?: number;
};

export type Workload = {
  readonly id: string;
  readonly name: string;
  readonly about: string;
  run(bench: Bench, options: RateOptions): Promise<Finding>;
};
