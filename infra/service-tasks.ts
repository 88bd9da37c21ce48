import { probeHttp } from './probes.ts';
import type { Readiness } from './readiness.ts';
import { run } from './run.ts';
import type { Secrets } from './secrets.ts';
import { presentServices, serviceEnvironment, serviceMain } from './service-programs.ts';
import { DATABASE_SERVICES, SEEDED_SERVICES, type ServiceName } from './services.ts';
import { pinnedNode } from './stack-plan.ts';
import { instancesOf, type StackSettings } from './stack-settings.ts';
import { allSteps, type Steps } from './steps.ts';
import { UserError } from './user-error.ts';

const TASK_LIMIT_MS = 120_000;

type Task = { services: readonly ServiceName[]; command: readonly string[]; label: string };

/** Applies every service's migrations, all services at once; each has a database of its own. */
export function migrateServices(settings: StackSettings, secrets: Secrets, steps: Steps): Promise<void> {
  return runEverywhere(settings, secrets, steps, {
    services: DATABASE_SERVICES,
    command: ['migrate-up'],
    label: 'Migrations',
  });
}

/** Puts in the demo logins and the small catalog; changes nothing where they are already. */
export function seedServices(settings: StackSettings, secrets: Secrets, steps: Steps): Promise<void> {
  return runEverywhere(settings, secrets, steps, {
    services: SEEDED_SERVICES,
    command: ['seed'],
    label: 'Demo logins and catalog',
  });
}

/** Runs one command of several services side by side. */
export async function runEverywhere(
  settings: StackSettings,
  secrets: Secrets,
  steps: Steps,
  task: Task,
): Promise<void> {
  const present = presentServices(settings);
  const services = task.services.filter((service) => present.includes(service));
  if (services.length === 0) return;
  await steps.step(`${task.label}: ${services.join(' ')}`, () =>
    allSteps(services.map((service) => runServiceCommand(settings, secrets, service, task.command))),
  );
}

/** Runs `main.ts COMMAND` of a service with the environment it has in the stack. */
async function runServiceCommand(
  settings: StackSettings,
  secrets: Secrets,
  service: ServiceName,
  command: readonly string[],
): Promise<void> {
  const { code, output } = await run([pinnedNode(settings), serviceMain(settings, service), ...command], {
    timeoutMs: TASK_LIMIT_MS,
    env: serviceEnvironment(settings, secrets, service, 1),
    cwd: settings.repo,
  });
  if (code === 0) return;
  const end = output.trim().split('\n').slice(-12).join('\n');
  throw new UserError(`${service} ${command.join(' ')} failed:\n${end}`, 'Put this right, then run the command again.');
}

/** Every service answers ready, and HAProxy has found the gateway. */
export function serviceReadiness(settings: StackSettings): Readiness[] {
  const services = presentServices(settings);
  const own: Readiness[] = instancesOf(settings, services).map(({ program, http }) => ({
    label: `${program} is ready`,
    programs: [program],
    probe: () => probeHttp(`http://127.0.0.1:${settings.ports[http]}/health/ready`),
  }));
  if (!services.includes('gateway')) return own;
  return [
    ...own,
    {
      label: 'The public address answers',
      programs: ['haproxy', 'gateway'],
      probe: () => probeHttp(`http://127.0.0.1:${settings.ports.public}/health/ready`),
    },
  ];
}
