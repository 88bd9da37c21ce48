import { createHmac, timingSafeEqual } from 'node:crypto';
import { WebhookRefused } from './provider.ts';

export const SIGNATURE_HEADER = 'punctual-signature';
/** How far a signature's time may be from now, in both directions: an intercepted request is worthless afterwards. */
export const TOLERANCE_MS = 300_000;

/** `t=<seconds>,v1=<HMAC-SHA256 over "<seconds>.<body>", hexadecimal>`. */
export function sign(rawBody: string | Buffer, secret: string, at: Date): string {
  const seconds = Math.floor(at.getTime() / 1_000);
  return `t=${seconds},v1=${macOf(rawBody, secret, String(seconds)).toString('hex')}`;
}

/** Throws WebhookRefused. */
export function verifySignature(rawBody: Buffer, header: unknown, secret: string, now: Date): void {
  if (typeof header !== 'string') throw new WebhookRefused('there is no signature');
  const [, seconds, hex] = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(header) ?? [];
  if (seconds === undefined || hex === undefined) throw new WebhookRefused('the signature is not of the known form');
  // The signature comes first, so that nobody learns from the answer what our clock says.
  if (!timingSafeEqual(macOf(rawBody, secret, seconds), Buffer.from(hex, 'hex'))) {
    throw new WebhookRefused('the signature is wrong');
  }
  if (Math.abs(now.getTime() - Number(seconds) * 1_000) > TOLERANCE_MS) {
    throw new WebhookRefused('the signature is too old, or from the future');
  }
}

function macOf(rawBody: string | Buffer, secret: string, seconds: string): Buffer {
  return createHmac('sha256', secret).update(`${seconds}.`).update(rawBody).digest();
}
