import type { StackSettings } from './stack-settings.ts';
import { UserError } from './user-error.ts';

const LINKED = {
  pgpool: 'pgpool',
  kafka: 'kafka',
  rabbitmq: 'rabbitmq',
  smtp: 'smtp',
  opensearch: 'opensearch',
} as const;
type LinkName = keyof typeof LINKED;

/**
 * Ports that the services use in the servers' place, from the JSON in SERVICE_LINKS such as {"pgpool":40123}: whoever runs the
 * stack puts a proxy there, to play a bad network. The next `up` without it takes them back.
 */
export function serviceLinks(): Partial<Record<LinkName, number>> {
  const text = process.env.SERVICE_LINKS;
  if (!text) return {};
  const advice = 'For example: SERVICE_LINKS=\'{"pgpool":40123}\'';
  try {
    const links = Object.entries(JSON.parse(text) as Record<string, unknown>).map(([name, port]) => {
      if (!Object.hasOwn(LINKED, name) || !Number.isInteger(port)) throw new Error(`${name}: ${String(port)}`);
      return [name, port];
    });
    return Object.fromEntries(links) as Partial<Record<LinkName, number>>;
  } catch (error) {
    throw new UserError(`SERVICE_LINKS: ${error instanceof Error ? error.message : String(error)}`, advice);
  }
}

/** The stack as its services see it. */
export function throughLinks(settings: StackSettings): StackSettings {
  return { ...settings, ports: { ...settings.ports, ...serviceLinks() } };
}
