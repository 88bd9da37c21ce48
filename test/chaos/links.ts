/** The ways from the services to their servers, each through a proxy that a fault can slow down, stall, reset or cut. */
import { tcpProxy } from '@punctual/testing';
import { portsOf } from '../../infra/stack-settings.ts';
import { createSmtpTrouble } from './faults/smtp-trouble.ts';
import type { Link, Links } from './types.ts';

export type OpenLinks = {
  readonly links: Links;
  /** Variables for the stack's `up`, which then sends the services through the links. */
  readonly environment: { readonly SERVICE_LINKS: string };
  /** To be called once the stack is down, since the services know no other way. */
  stop(): Promise<void>;
};

/** Opens links to the servers of the stack of this name, which need not run yet. */
export async function openLinks(stack: string, portBase?: number): Promise<OpenLinks> {
  const { ports } = portsOf(stack, portBase);
  const url = (port: number) => `tcp://127.0.0.1:${port}`;
  const smtpTrouble = createSmtpTrouble();
  const [pgpool, kafka, rabbitmq, smtp] = await Promise.all([
    tcpProxy(url(ports.pgpool)),
    tcpProxy(url(ports.kafkaLinked)),
    tcpProxy(url(ports.rabbitmq)),
    tcpProxy(url(ports.smtp), { inspect: smtpTrouble.inspect }),
  ]);
  const all = { pgpool, kafka, rabbitmq, smtp };
  return {
    links: {
      pgpool: pgpool satisfies Link,
      kafka: kafka satisfies Link,
      rabbitmq: rabbitmq satisfies Link,
      smtp: {
        delay: smtp.delay,
        stall: smtp.stall,
        cut: smtp.cut,
        reset: smtp.reset,
        trouble: smtpTrouble.begin,
        unanswered: smtpTrouble.unanswered,
        heal() {
          smtpTrouble.end();
          smtp.heal();
        },
      },
    },
    environment: {
      SERVICE_LINKS: JSON.stringify(Object.fromEntries(Object.entries(all).map(([name, { port }]) => [name, port]))),
    },
    async stop() {
      await Promise.all(Object.values(all).map((proxy) => proxy.stop()));
    },
  };
}
