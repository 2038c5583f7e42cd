/**
 * Writes docs/licences.md from the lockfile: `npx tsx docs/make-licences.ts`. A test fails when the page is out of
 * date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';

const LOCKFILE = new URL('../package-lock.json', import.meta.url);
const PAGE = new URL('./licences.md', import.meta.url);
const FOLDER = 'node_modules/';

const lockfile = z.object({
  packages: z.record(
    z.string(),
    z.object({ version: z.string().optional(), license: z.string().optional(), dev: z.boolean().optional() }),
  ),
});

const HEAD = `# Licences

Quorum is under the Apache License 2.0. What it installs to run, optional packages for other platforms and for \`workers.engine: tensorflow\` among them, is
below; this page is made from \`package-lock.json\` by \`npx tsx docs/make-licences.ts\`. The LGPL packages are libvips and what is built into it, prebuilt
and loaded as shared libraries by \`sharp\`.
`;

/** The page, as Markdown. */
export function licencesPage(): string {
  const { packages } = lockfile.parse(JSON.parse(readFileSync(LOCKFILE, 'utf8')));
  const byLicence = new Map<string, Set<string>>();
  for (const [path, { version, license = 'not stated', dev }] of Object.entries(packages)) {
    if (path === '' || dev === true) continue;
    const name = path.slice(path.lastIndexOf(FOLDER) + FOLDER.length);
    byLicence.set(license, (byLicence.get(license) ?? new Set()).add(`${name} ${version}`));
  }
  const sections = [...byLicence]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([licence, names]) => `## ${licence}\n\n${[...names].toSorted().join(', ')}\n`);
  return [HEAD, ...sections].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync(PAGE, licencesPage());
