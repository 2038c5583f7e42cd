/** Imports the user's modules: configuration files and plug-ins, TypeScript or not. */
import { fileURLToPath } from 'node:url';
import { createJiti } from 'jiti';

/** `quorum` means this very Quorum, wherever the module lies. */
const SELF = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../index.ts' : '../index.js', import.meta.url));

/** @param from the file that package names and relative paths are resolved from; it need not exist. */
export function importDefault(specifier: string, from: string): Promise<unknown> {
  return createJiti(from, { alias: { quorum: SELF }, moduleCache: false }).import(specifier, { default: true });
}
