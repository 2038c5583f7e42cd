/** Imports the user's modules: configuration files and plug-ins, TypeScript or not. */
import { fileURLToPath } from 'node:url';
import { createJiti } from 'jiti';

const isSource = import.meta.url.endsWith('.ts');

/** `quorum` and its built-in plug-ins resolve to this copy of Quorum, from any module. */
const ALIAS = {
  quorum: pathOf('../index'),
  'quorum/testing': pathOf('../testing'),
  'quorum/objectives': pathOf('../objectives'),
  'quorum/xstate': pathOf('../../actors/from-machine'),
  'quorum/rxjs': pathOf('../../streams/from-operator'),
  'quorum/plugins': fileURLToPath(new URL('../plugins', import.meta.url)),
};

function pathOf(module: string): string {
  return fileURLToPath(new URL(`${module}.${isSource ? 'ts' : 'js'}`, import.meta.url));
}

/** @param from the file that package names and relative paths are resolved from; it need not exist. */
export function importDefault(specifier: string, from: string): Promise<unknown> {
  return createJiti(from, { alias: ALIAS, moduleCache: false }).import(specifier, { default: true });
}

/** The file that `specifier` names in the module `from`; undefined when it does not exist. */
export function resolveImport(specifier: string, from: string): string | undefined {
  const found = createJiti(from).esmResolve(specifier, { try: true });
  return found?.startsWith('file:') === true ? fileURLToPath(found) : found;
}
