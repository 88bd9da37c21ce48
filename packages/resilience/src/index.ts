export {
  type Breaker,
  type BreakerConfig,
  type BreakerOptions,
  type BreakerState,
  type CallOutcome,
  createBreaker,
  type Ticket,
} from './breaker.ts';
export { DependencyUnavailable } from './dependency-unavailable.ts';
export { createPolicies, type Policies, type Policy, type PolicyOptions } from './policies.ts';
export { createWorkerPool, type WorkerPool, type WorkerPoolOptions, WorkerPoolRefused } from './worker-pool.ts';
