import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, type JSONWebKeySet, type JWK } from 'jose';

const PEM_BLOCK = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g;

export type SigningKeys = {
  readonly privateKey: KeyObject;
  /** RFC 7638 thumbprint of the public key: the same key has the same id wherever and whenever it is loaded. */
  readonly keyId: string;
  /** The public keys that verify: the signing one first, then the retired ones. */
  readonly publicKeys: JSONWebKeySet;
};

/** Whether the text holds exactly one Ed25519 private key in PEM. */
export function isSigningKey(pem: string): boolean {
  const blocks = pemBlocks(pem);
  return blocks.length === 1 && blocks.every((block) => block.includes('PRIVATE KEY') && isEd25519(block));
}

/** Whether the text holds one or more Ed25519 keys, public or private, in PEM. */
export function isKeyList(pem: string): boolean {
  const blocks = pemBlocks(pem);
  return blocks.length > 0 && blocks.every(isEd25519);
}

/** Expects texts that `isSigningKey` and `isKeyList` accept. */
export async function loadSigningKeys(signingPem: string, retiredPems?: string): Promise<SigningKeys> {
  const privateKey = createPrivateKey(unescapeLines(signingPem));
  const current = await publicJwk(createPublicKey(privateKey));
  const retired = await Promise.all(pemBlocks(retiredPems ?? '').map((pem) => publicJwk(createPublicKey(pem))));
  const others = retired.filter((jwk) => jwk.kid !== current.kid);
  return { privateKey, keyId: current.kid, publicKeys: { keys: [current, ...others] } };
}

async function publicJwk(key: KeyObject): Promise<JWK & { kid: string }> {
  const jwk = await exportJWK(key);
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'EdDSA', use: 'sig' };
}

function pemBlocks(text: string): string[] {
  return unescapeLines(text).match(PEM_BLOCK) ?? [];
}

/** Environment files often hold a PEM on one line with `\n` written out. */
function unescapeLines(pem: string): string {
  return pem.replaceAll('\\n', '\n');
}

function isEd25519(pem: string): boolean {
  try {
    return createPublicKey(pem).asymmetricKeyType === 'ed25519';
  } catch {
    // Not a key at all; the caller says what was expected.
    return false;
  }
}
