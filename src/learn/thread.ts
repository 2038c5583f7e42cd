/** Starts a worker thread from compiled JavaScript or, in development and tests, from TypeScript through tsx. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';

export function startThread(entry: URL, options: WorkerOptions): Worker {
  if (!entry.pathname.endsWith('.ts')) return new Worker(entry, options);
  // `--import tsx` has no effect in a worker on Node 20, so its hooks are registered from inside.
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json'));
  const hooks = new URL('./dist/esm/api/index.mjs', tsx).href;
  const code = `import(${JSON.stringify(hooks)}).then((tsx) => { tsx.register(); return import(${JSON.stringify(entry.href)}); })`;
  return new Worker(code, { ...options, eval: true, execArgv: [] });
}
