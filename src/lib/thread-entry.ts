/** Where a thread's entry module is: `.js` in dist, `.ts` through tsx when running from source (tests, development). */
export interface ThreadEntry {
  readonly filename: string;
  readonly execArgv: string[];
}

/**
 * @param name module in the folder of `from`, without its extension, as `./worker`. @param from the caller's
 * `import.meta.url`.
 */
export function threadEntry(name: string, from: string): ThreadEntry {
  const fromSource = from.endsWith('.ts');
  return {
    filename: new URL(`${name}${fromSource ? '.ts' : '.js'}`, from).href,
    execArgv: fromSource ? ['--import', registerTsx()] : [],
  };
}

/** On Node 20 `--import tsx` does nothing in a thread; its register function does. */
function registerTsx(): string {
  const api = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  return `data:text/javascript,${encodeURIComponent(`import { register } from ${api}; register();`)}`;
}
