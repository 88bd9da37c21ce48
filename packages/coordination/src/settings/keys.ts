/** Where the settings stand, one key each. */
export function settingsFolder(prefix: string): string {
  return `${prefix}/config/`;
}

/** Where their changes are told, oldest first. */
export function auditFolder(prefix: string): string {
  return `${prefix}/config-audit/`;
}
