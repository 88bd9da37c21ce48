import type { Role } from './login.ts';

/** Known to everybody who has read the documentation: for local stacks only. */
export const DEMO_ACCOUNTS: readonly { email: string; password: string; role: Role }[] = [
  { email: 'admin@punctual.test', password: 'punctual-admin', role: 'admin' },
  { email: 'customer@punctual.test', password: 'punctual-customer', role: 'customer' },
];

export function isDemoLogin(email: string, password: string): boolean {
  return DEMO_ACCOUNTS.some((account) => account.email === email && account.password === password);
}
