export {
  type Coordination,
  type CoordinationOptions,
  createCoordination,
  type DiscoveryConfig,
  type OwnPorts,
} from './coordination.ts';
export type { Instance, Resolver } from './discovery/resolver.ts';
export { createStaticResolver } from './discovery/static-resolver.ts';
export { connectEtcd, type Etcd } from './etcd/etcd.ts';
export { EtcdUnavailable } from './etcd/etcd-unavailable.ts';
export {
  findSetting,
  ORDER_TIMERS,
  type OrderTimers,
  RATE_LIMIT,
  type RateLimit,
  REGISTRATION_OPEN,
  rateLimitOf,
  SEARCH_OPENSEARCH,
  SETTINGS,
  type Setting,
  type SettingProblem,
} from './settings/definitions.ts';
export type { DynamicSettings, Followed } from './settings/dynamic-settings.ts';
export {
  type AuditEntry,
  type ChangeOptions,
  createSettingsDesk,
  SettingRefused,
  type SettingState,
  type SettingsDesk,
} from './settings/settings-desk.ts';
