import { createHash } from 'node:crypto';

/** First 32 hex digits of the SHA-256 of the bytes. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 32);
}
