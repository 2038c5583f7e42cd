/** A project that uses the package, with its imports and the four usual TypeScript configurations. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

const PLUGIN = `import { API_VERSION, definePlugin, type PortContext, type RolloutGroup } from 'quorum';
import { fromOperator } from 'quorum/rxjs';
import { testPlugin, type PluginKit } from 'quorum/testing';
import { fromMachine } from 'quorum/xstate';
import majority from 'quorum/plugins/majority';

export const kit: Promise<PluginKit> = testPlugin(majority);
export const adapters = [fromMachine, fromOperator];
export const size = (group: RolloutGroup): number => group.samples.length;

export default definePlugin({
  name: 'log-votes',
  apiVersion: API_VERSION,
  ports: {
    watch: () => (event) => {
      if (event.type === 'judged') globalThis.process?.stderr.write(\`share \${event.judged.verdict.share}\\n\`);
    },
    reward: ({ signal }: PortContext<undefined>) => ({ votes }, cancelled) => (signal.aborted || cancelled.aborted ? undefined : votes),
  },
});
`;

const CONFIG = `import { defineConfig } from 'quorum';

export default defineConfig({ sampling: { samples: 4 }, plugins: ['./log-votes.ts'] });
`;

const COMMON = { target: 'es2022', strict: true, noEmit: true, skipLibCheck: false };

/** \`types: []\` leaves out the types of Node where Quorum does not ask for them itself. */
export const TSCONFIGS = {
  'nodenext, strict': { ...COMMON, module: 'nodenext', noUncheckedIndexedAccess: true, types: [] },
  'a bundler, with the DOM': {
    ...COMMON,
    module: 'esnext',
    moduleResolution: 'bundler',
    lib: ['es2022', 'dom', 'dom.iterable'],
    types: [],
  },
  'es2022 alone': { ...COMMON, module: 'nodenext', lib: ['es2022'], types: [] },
  'node16, with the types of Node': { ...COMMON, module: 'node16', lib: ['es2022'], types: ['node'] },
} as const;

export function writeProject(folder: string): void {
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  writeFileSync(join(folder, 'log-votes.ts'), PLUGIN);
  writeFileSync(join(folder, 'quorum.config.ts'), CONFIG);
}

/** @returns the compiler's output; empty when the project compiles. */
export function compile(folder: string, name: keyof typeof TSCONFIGS): string {
  const [file, compiler] = [join(folder, 'tsconfig.json'), join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')];
  writeFileSync(
    file,
    JSON.stringify({ compilerOptions: TSCONFIGS[name], files: ['log-votes.ts', 'quorum.config.ts'] }),
  );
  return spawnSync(process.execPath, [compiler, '-p', file], { encoding: 'utf8' }).stdout;
}

/**
 * @param files of the package, relative to its folder. @returns `page -> link` for each relative link that leads to a
 * file outside the package.
 */
export function deadLinks(files: readonly string[]): string[] {
  const there = new Set(files.flatMap((file) => [file, posix.dirname(file)]));
  return files
    .filter((file) => file.endsWith('.md'))
    .flatMap((page) => {
      const links = [...readFileSync(join(ROOT, page), 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(
        ([, link]) => link!,
      );
      return links
        .filter((link) => !there.has(posix.join(posix.dirname(page), link)))
        .map((link) => `${page} -> ${link}`);
    });
}
