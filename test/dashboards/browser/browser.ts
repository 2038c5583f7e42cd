/**
 * A Chromium, and pages of the dashboard in it that keep what went wrong. Screenshots go to test-results/. Needs no
 * test runner.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const RESULTS = join(ROOT, 'test-results', 'dashboard');
export const CLIENT_FOLDER = join(ROOT, 'dist', 'dashboards', 'client');
const USUAL = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:/Program Files/Google/Chrome/Application/chrome.exe',
];
/** Undefined where there is none. */
export const CHROMIUM = [process.env['CHROMIUM'], ...USUAL].find(
  (path) => path !== undefined && path !== '' && existsSync(path),
);
const WAIT = 30_000;

export function launch(): Promise<Browser> {
  if (!existsSync(join(CLIENT_FOLDER, 'index.html')))
    throw new Error('the pages are not built: run `node bin/bootstrap.js --build`');
  // A container's root may not use Chromium's sandbox, and has no GPU.
  const args = ['--no-sandbox', '--disable-dev-shm-usage'];
  return chromium.launch({ executablePath: CHROMIUM!, args });
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

export async function open(
  browser: Browser,
  url: string,
  { theme = 'dark', phone = false, stillness = true }: OpenOptions = {},
): Promise<OpenPage> {
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
