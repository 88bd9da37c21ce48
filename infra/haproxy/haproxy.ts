import { join } from 'node:path';
import type { ConfigFile, Program } from '../program.ts';
import type { StackSettings } from '../stack-settings.ts';

const RETRY_AFTER_SECONDS = 2;

/** What HAProxy itself answers, by status: the shop's error codes and words. */
const ERRORS: readonly { status: number; code: string; message: string; retry?: boolean }[] = [
  { status: 400, code: 'VALIDATION_FAILED', message: 'The request is not well-formed HTTP.' },
  { status: 408, code: 'TIMEOUT', message: 'The request did not arrive in time.' },
  { status: 500, code: 'INTERNAL', message: 'Something went wrong.' },
  { status: 502, code: 'UNAVAILABLE', message: 'The gateway gave no valid answer.', retry: true },
  { status: 503, code: 'UNAVAILABLE', message: 'The shop is not available at the moment.', retry: true },
  { status: 504, code: 'TIMEOUT', message: 'The gateway did not answer in time.', retry: true },
];

/** HAProxy at the public address, in front of every gateway. */
export function haproxy(settings: StackSettings): { programs: Program[]; files: ConfigFile[] } {
  const config = join(settings.folders.conf, 'haproxy', 'haproxy.cfg');
  return {
    programs: [
      {
        name: 'haproxy',
        kind: 'server',
        command: ['/usr/sbin/haproxy', '-db', '-f', config],
        cwd: settings.folders.data,
        env: {},
        ports: ['public', 'haproxyStats'],
        // SIGUSR1 would wait for idle clients; SIGTERM ends at once.
        priority: 30,
      },
    ],
    files: [{ program: 'haproxy', path: config, text: haproxyConf(settings) }],
  };
}

function haproxyConf({ ports }: StackSettings): string {
  return [
    'global',
    '  maxconn 4096',
    '  nbthread 1',
    '  log stderr format raw local0 warning',
    '',
    'defaults',
    '  mode http',
    '  log global',
    '  option dontlognull',
    '  option redispatch',
    '  retries 2',
    // Only a connection that could not be made is tried again: a POST must never reach a gateway twice.
    '  retry-on conn-failure',
    '  timeout connect 1s',
    '  timeout client 65s',
    '  timeout server 65s',
    '  timeout http-request 10s',
    '  timeout http-keep-alive 65s',
    '  timeout queue 5s',
    // Without it a check waits no longer than its interval, and a gateway that is merely busy is taken for dead: all that it has in hand
    // is broken off. A process that is gone refuses the connection and is noticed at once as before.
    '  timeout check 2s',
    '  unique-id-format %[uuid()]',
    ...ERRORS.map(errorLine),
    '',
    'frontend public',
    `  bind 127.0.0.1:${ports.public}`,
    // What the client says about itself is replaced, so that nobody chooses the address they are limited by.
    '  http-request set-header X-Forwarded-For %[src]',
    '  http-request set-header X-Forwarded-Proto http',
    '  http-request set-header X-Forwarded-Host %[req.hdr(host)]',
    '  http-request del-header Forwarded',
    '  http-request del-header X-Real-IP',
    '  default_backend gateways',
    '',
    'backend gateways',
    '  balance leastconn',
    // Live, not ready: with one service down the gateway still reaches the others, and a gateway taken out would cut off all of them.
    '  option httpchk GET /health/live',
    '  http-check expect status 200',
    '  default-server inter 1s fastinter 250ms downinter 500ms rise 1 fall 3 on-marked-down shutdown-sessions',
    `  server gateway-1 127.0.0.1:${ports.gateway} check`,
    '',
    'frontend stats',
    `  bind 127.0.0.1:${ports.haproxyStats}`,
    '  http-request use-service prometheus-exporter if { path /metrics }',
    '  stats enable',
    '  stats uri /',
    '  stats refresh 5s',
    '',
  ].join('\n');
}

function errorLine({ status, code, message, retry }: (typeof ERRORS)[number]): string {
  const body = JSON.stringify({ error: { code, message, details: [], request_id: '%[unique-id]' } });
  const quoted = body.replaceAll('"', '\\"');
  const retryAfter = retry ? ` hdr Retry-After ${RETRY_AFTER_SECONDS}` : '';
  return `  http-error status ${status} content-type application/json lf-string "${quoted}" hdr X-Request-Id %[unique-id]${retryAfter}`;
}
