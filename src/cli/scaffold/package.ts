/** The files of a new plug-in package: typed, tested, and loaded by its path or, once published, by its name. */
import { relative } from 'node:path';
import type { PortName } from '../../protocol/ports.ts';
import { packagePath } from '../../lib/package-path.ts';
import { TEMPLATES, type PortTemplate } from './ports.ts';

export interface ScaffoldOptions {
  /** The package's name. */
  readonly name: string;
  readonly port: PortName;
  /** Folder into which the files go. */
  readonly folder: string;
  /** Parts of Quorum's own package.json, for the versions in the new package. */
  readonly own: { readonly version: string; readonly dependencies: Packages; readonly devDependencies: Packages };
}

type Packages = Readonly<Record<string, string>>;

/** Path -> text. */
export function pluginPackage(options: ScaffoldOptions): Readonly<Record<string, string>> {
  const template = TEMPLATES[options.port];
  return {
    'package.json': json(manifest(options, template)),
    'tsconfig.json': json(TSCONFIG),
    'tsconfig.build.json': json(TSCONFIG_BUILD),
    'README.md': readme(options, template),
    '.gitignore': 'node_modules/\ndist/\n',
    'src/index.ts': source(options, template),
    'test/index.test.ts': test(options, template),
  };
}

const TSCONFIG = {
  compilerOptions: {
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    verbatimModuleSyntax: true,
    erasableSyntaxOnly: true,
    rewriteRelativeImportExtensions: true,
    skipLibCheck: true,
    types: ['node'],
    noEmit: true,
  },
  include: ['src', 'test'],
};

const TSCONFIG_BUILD = {
  extends: './tsconfig.json',
  compilerOptions: { noEmit: false, declaration: true, rootDir: 'src', outDir: 'dist' },
  include: ['src'],
};

function manifest({ name, port, folder, own }: ScaffoldOptions, { options }: PortTemplate) {
  const pick = (...names: string[]) =>
    Object.fromEntries(names.map((each) => [each, own.dependencies[each] ?? own.devDependencies[each]]));
  return {
    name,
    version: '0.1.0',
    description: `A plug-in for Quorum: ${port}`,
    type: 'module',
    exports: { types: './dist/index.d.ts', default: './dist/index.js' },
    files: ['dist'],
    scripts: { build: 'tsc -p tsconfig.build.json', typecheck: 'tsc', test: 'vitest run', prepack: 'npm run build' },
    ...(options === undefined ? {} : { dependencies: pick('zod') }),
    peerDependencies: { quorum: `^${own.version}` },
    // Begin with the Quorum that writes this package.
    devDependencies: {
      ...pick('@types/node', 'typescript', 'vitest'),
      quorum: `file:${relative(folder, packagePath('.'))}`,
    },
  };
}

function source({ name, port }: ScaffoldOptions, { imports = '', options, port: opener }: PortTemplate): string {
  const zod = options === undefined ? '' : `import { z } from 'zod';\n`;
  const schema = options === undefined ? '' : `  options: z.strictObject({\n    ${options},\n  }),\n`;
  return `${imports}import { API_VERSION, definePlugin } from 'quorum';
${zod}
export default definePlugin({
  name: '${name}',
  apiVersion: API_VERSION,
${schema}  ports: {
    ${port}: ${opener},
  },
});
`;
}

function test({ port }: ScaffoldOptions, { does, test: body }: PortTemplate): string {
  const node = body.includes('readFileSync')
    ? `import { readFileSync } from 'node:fs';\nimport { join } from 'node:path';\n`
    : '';
  const names = body.includes('recorded.') ? 'recorded, testPlugin' : 'testPlugin';
  return `${node}import { ${names} } from 'quorum/testing';
import { expect, test } from 'vitest';
import plugin from '../src/index.ts';

test('${port}: ${does.replaceAll("'", '’')}', async () => {
  await using kit = await testPlugin(plugin);
  ${body}
});
`;
}

function readme({ name, port }: ScaffoldOptions, { does }: PortTemplate): string {
  return `# ${name}

A plug-in for Quorum. Its port \`${port}\` ${does}.

\`\`\`
npm install
npm test
npm run typecheck
\`\`\`

List it in \`quorum.config.ts\`, by its path or, once it is installed as a package, by its name:

\`\`\`ts
import { defineConfig } from 'quorum';

export default defineConfig({ plugins: ['./${name.split('/').at(-1)}/src/index.ts'] });
\`\`\`
`;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
