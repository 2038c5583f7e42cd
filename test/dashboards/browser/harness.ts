/**
 * A real Chromium in front of a real daemon. Without a Chromium (CHROMIUM names one, else the usual places are looked at) the tests are
 * skipped and say so. Screenshots go to test-results/.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { describe } from 'vitest';
import type { ConfigInput } from '../../../src/config/schema.ts';
import { temporaryFolder } from '../../support/rig.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const RESULTS = join(ROOT, 'test-results', 'dashboard');
export const CLIENT_FOLDER = join(ROOT, 'dist', 'dashboards', 'client');
const CHILD = fileURLToPath(new URL('./daemon-child.ts', import.meta.url));
const USUAL = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:/Program Files/Google/Chrome/Application/chrome.exe',
];
const CHROMIUM = [process.env['CHROMIUM'], ...USUAL].find((path) => path !== undefined && path !== '' && existsSync(path));
const WAIT = 30_000;

/** `describe` for tests that need a browser. */
export const describeInBrowser: (name: string, tests: () => void) => unknown = CHROMIUM === undefined ? describe.skip : describe;
if (CHROMIUM === undefined) process.stderr.write('SKIPPED: no Chromium for the dashboard in a browser; set CHROMIUM to the path of one\n');

export function launch(): Promise<Browser> {
  if (!existsSync(join(CLIENT_FOLDER, 'index.html'))) throw new Error('the pages are not built: run `node bin/bootstrap.js --build`');
  // A container's root may not use Chromium's sandbox, and has no GPU.
  const args = ['--no-sandbox', '--disable-dev-shm-usage'];
  return chromium.launch({ executablePath: CHROMIUM!, args });
}

export interface ToyDaemon extends AsyncDisposable {
  readonly url: string;
  readonly folder: string;
  readonly process: ChildProcess;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

export interface ToyDaemonOptions {
  readonly config?: ConfigInput;
  /** Of an earlier daemon, to go on with its run. */
  readonly folder?: string;
  readonly port?: number;
  /** Milliseconds that a learner step takes. */
  readonly stepTakes?: number;
}

export async function startToyDaemon({
  config = {},
  folder = temporaryFolder(),
  port = 0,
  stepTakes = 150,
}: ToyDaemonOptions = {}): Promise<ToyDaemon> {
  const input: ConfigInput = {
    loop: { steps: null, batchGroups: 4, jobQuestions: 2, maxStaleness: 1 },
    ...config,
    dashboard: { port, ...config.dashboard },
  };
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, folder, JSON.stringify(input), String(stepTakes)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return gone;
  };
  const first = createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  const { value, done } = await Promise.race([first, gone.then(() => ({ value: '', done: true }))]);
  if (done === true) throw new Error(`the daemon did not start: ${errors}`);
  const { url } = JSON.parse(value) as { url: string };
  return { url, folder, process: child, kill: () => end('SIGKILL'), [Symbol.asyncDispose]: () => end('SIGTERM') };
}

export interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  /** Errors of the console, of scripts, and requests that left the daemon's address. */
  readonly errors: readonly string[];
  /** Goes to a hash route, and waits until `ready` is seen. */
  goto(route: string, ready: string): Promise<void>;
  /** Accessibility violations, in words. */
  violations(): Promise<readonly string[]>;
  screenshot(name: string): Promise<void>;
}

export interface OpenOptions {
  readonly theme?: 'light' | 'dark';
  readonly phone?: boolean;
  readonly stillness?: boolean;
}

export async function open(browser: Browser, url: string, { theme = 'dark', phone = false, stillness = true }: OpenOptions = {}): Promise<OpenPage> {
  const context = await browser.newContext({
    viewport: phone ? { width: 390, height: 844 } : { width: 1440, height: 900 },
    colorScheme: theme,
    reducedMotion: stillness ? 'reduce' : 'no-preference',
  });
  context.setDefaultTimeout(WAIT);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => errors.push(`script: ${error.stack ?? error.message}`));
  page.on('request', (request) => {
    if (new URL(request.url()).host !== new URL(url).host) errors.push(`request to another host: ${request.url()}`);
  });
  return {
    page,
    errors,
    goto: async (route, ready) => {
      await page.goto(`${url}#/${route}`);
      await page.locator(ready).first().waitFor();
    },
    violations: () => violationsOn(page),
    screenshot: async (name) => {
      mkdirSync(RESULTS, { recursive: true });
      await page.screenshot({ path: join(RESULTS, `${name}.png`) });
    },
    [Symbol.asyncDispose]: () => context.close(),
  };
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
  }[];
}

async function violationsOn(page: Page): Promise<readonly string[]> {
  // Evaluated by the debugger, past the page's content security policy, which a script tag would not get past.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate<AxeResult>('axe.run(document, { resultTypes: ["violations"] })');
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id} (${help}): ${html.slice(0, 200)} ${failureSummary}`),
  );
}
