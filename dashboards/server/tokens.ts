/**
 * Two tokens, one for viewing and one for control, taken from the configuration or the environment; otherwise generated
 * once and kept in the run folder.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../../src/protocol/errors.ts';
import type { Access } from '../../src/protocol/frames.ts';

export const TOKEN_FILE = 'dashboard-tokens.json';
const SHORTEST = 16;

export type Tokens = Readonly<Record<Access, string>>;

export interface TokenOptions {
  readonly host: string;
  readonly viewToken?: string | undefined;
  readonly controlToken?: string | undefined;
  /** Folder that keeps generated tokens. */
  readonly runFolder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** @returns null where no token is needed: on a loopback address without configured tokens. */
export function tokensOf({ host, viewToken, controlToken, runFolder, environment }: TokenOptions): Tokens | null {
  const view = viewToken ?? fromEnvironment(environment, 'QUORUM_DASHBOARD_VIEW_TOKEN');
  const control = controlToken ?? fromEnvironment(environment, 'QUORUM_DASHBOARD_CONTROL_TOKEN');
  if (isLoopback(host) && view === undefined && control === undefined) return null;
  if (view !== undefined && view === control)
    throw new InputError('dashboard.viewToken and dashboard.controlToken are the same: choose two');
  if (view !== undefined && control !== undefined) return { view, control };
  const kept = keptTokens(join(runFolder, TOKEN_FILE));
  return { view: view ?? kept.view, control: control ?? kept.control };
}

export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

/** The cookie that a browser keeps instead of the token. Derived from the token alone, it outlives the daemon. */
export function cookieOf(token: string): string {
  return createHmac('sha256', token).update('quorum dashboard').digest('base64url');
}

/** Compares in constant time, whatever the lengths. */
export function isSame(a: string, b: string): boolean {
  return timingSafeEqual(hash(a), hash(b));
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function fromEnvironment(environment: TokenOptions['environment'], name: string): string | undefined {
  const value = environment[name];
  if (value === undefined || value === '') return undefined;
  if (value.length < SHORTEST)
    throw new InputError(`${name} has ${value.length} characters: at least ${SHORTEST} are needed`);
  return value;
}

const keptSchema = z.object({ view: z.string().min(SHORTEST), control: z.string().min(SHORTEST) });

function keptTokens(file: string): Tokens {
  const kept = readKept(file);
  if (kept) return kept;
  const made = { view: randomBytes(32).toString('base64url'), control: randomBytes(32).toString('base64url') };
  writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600 });
  return made;
}

function readKept(file: string): Tokens | undefined {
  try {
    return keptSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}
