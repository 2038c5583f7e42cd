/**
 * Adds to package-lock.json the optional platform packages that npm left out because the registry it asked does not
 * mirror them. `npm ci` calls a lock without them out of sync, on every machine. Run after `npm install` where `npm ci
 * --dry-run` says `Missing: ... from lock file`.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const PROCESSORS = ['arm64', 'riscv64', 'ppc64', 's390x', 'ia32', 'x64', 'arm'];

/** Entry of a platform package, told by its name: `@scope/binding-linux-x64-musl`. */
function platformEntry(name, version, parent) {
  const libc = /musl/.test(name) ? 'musl' : /-gnu/.test(name) ? 'glibc' : null;
  return {
    version,
    cpu: [PROCESSORS.find((cpu) => name.includes(cpu))],
    ...(parent.dev ? { dev: true } : {}),
    ...(libc ? { libc: [libc] } : {}),
    license: parent.license,
    optional: true,
    os: [SYSTEMS.find((os) => name.includes(os))],
    ...(parent.engines ? { engines: parent.engines } : {}),
  };
}

/** Whether a package at `from` finds `name` in a node_modules folder on its way up. */
function resolves(packages, from, name) {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    if (packages[`${at ? `${at}/` : ''}node_modules/${name}`]) return true;
    if (!at) return false;
  }
}

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const added = [];
for (const [at, parent] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const isPlatform =
      /^\d/.test(version) && SYSTEMS.some((os) => name.includes(os)) && PROCESSORS.some((cpu) => name.includes(cpu));
    if (!isPlatform || resolves(lock.packages, at, name)) continue;
    lock.packages[`node_modules/${name}`] = platformEntry(name, version, parent);
    added.push(name);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length ? `added ${added.join(', ')}` : 'nothing is missing');
