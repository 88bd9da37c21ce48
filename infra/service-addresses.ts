import { GRPC_SERVICES } from './services.ts';
import type { StackSettings } from './stack-settings.ts';

/** Where each service is to be found, for DISCOVERY=static. */
export function serviceAddresses({ ports }: StackSettings): string {
  const at = (port: number) => `127.0.0.1:${port}`;
  return JSON.stringify(
    Object.fromEntries(
      GRPC_SERVICES.map((name) => [name, [{ http: at(ports[name]), grpc: at(ports[`${name}Grpc`]) }]]),
    ),
  );
}
