/**
 * Takes the pictures of the dashboard in docs/pictures from a real run: what `quorum start` learns on, twenty steps or so,
 * and two plug-ins.
 *
 *     npm run build && npx tsx docs/make-dashboard-pictures.ts            starts the run, and ends it
 *     npx tsx docs/make-dashboard-pictures.ts http://127.0.0.1:4747/      takes them of the daemon at this address
 *
 * It needs a Chromium: CHROMIUM names one, else the usual places are looked at.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { launch, open } from '../test/dashboards/browser/browser.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PICTURES = join(ROOT, 'docs', 'pictures');
const STEPS = 20;
const MOST_BYTES = 150_000;
const SETTINGS = ['dashboard.port=0', 'evaluation.fullEverySteps=15', 'checkpoints.everySteps=10'];

interface Picture {
  readonly name: string;
  readonly theme: 'light' | 'dark';
  readonly phone?: boolean;
  /** Pixels of the window. */
  readonly height?: number;
  /** What is seen when the page is complete. */
  readonly ready: string;
  /** Hash route; a group's or a comparison's is looked up on its page. */
  readonly route: (page: Page, url: string) => Promise<string>;
}

const at = (route: string) => () => Promise.resolve(route);

/** The first link that matches on a page of the dashboard. */
function linkOn(route: string, selector: string) {
  return async (page: Page, url: string) => {
    await page.goto(`${url}#/${route}`);
    return (await page.locator(selector).first().getAttribute('href'))!.replace('#/', '');
  };
}

const PAGES: readonly Picture[] = [
  { name: 'now-dark', theme: 'dark', height: 1240, ready: '.chart canvas', route: at('') },
  { name: 'now-light', theme: 'light', height: 1240, ready: '.chart canvas', route: at('') },
  { name: 'now-phone', theme: 'dark', phone: true, ready: '.chart canvas', route: at('') },
  { name: 'rollouts', theme: 'light', ready: '.group-card img', route: at('rollouts?verdict=kept&max=80') },
  {
    name: 'group',
    theme: 'light',
    ready: '.token',
    route: linkOn('rollouts?verdict=kept&max=80', '.group-question a'),
  },
  { name: 'questions', theme: 'light', ready: '.stat', route: at('questions') },
  { name: 'actors', theme: 'light', height: 1240, ready: '.state.active', route: at('actors') },
  { name: 'panels', theme: 'light', ready: '.chart canvas', route: at('panels') },
  { name: 'versions', theme: 'light', ready: 'tr[data-version]', route: at('versions?only=evaluated') },
  { name: 'compare', theme: 'light', ready: '.stat', route: linkOn('versions?only=evaluated', 'a[href*="compare"]') },
  { name: 'control', theme: 'light', ready: '.setting-value', route: at('control') },
];

/** How long responses are, and how sure the votes. */
const PANEL = `
const seen = [];
export default {
  name: 'response-lengths',
  apiVersion: 1,
  ports: {
    watch: () => (event) => {
      if (event.type !== 'judged') return;
      const { group, verdict } = event.judged;
      seen.push({ share: verdict.share, tokens: group.samples.reduce((sum, { tokens }) => sum + tokens.length, 0) / group.samples.length });
      if (seen.length > 400) seen.shift();
    },
    panel: () => () => {
      const mean = (of) => seen.reduce((sum, each) => sum + of(each), 0) / Math.max(1, seen.length);
      return {
        title: 'Response lengths',
        blocks: [
          { type: 'text', text: 'The last 400 groups, in the order of their verdicts.' },
          {
            type: 'numbers',
            rows: [
              { name: 'mean length', value: Math.round(10 * mean(({ tokens }) => tokens)) / 10, unit: 'tokens' },
              { name: 'mean vote share', value: Math.round(100 * mean(({ share }) => share)) / 100 },
            ],
          },
          { type: 'lines', xName: 'group', x: seen.map((_, i) => i), lines: [{ name: 'tokens', y: seen.map(({ tokens }) => tokens) }] },
        ],
      };
    },
  },
};
`;

interface Run {
  readonly url: string;
  readonly end: () => Promise<void>;
}

async function startRun(): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'quorum-pictures-'));
  writeFileSync(join(folder, 'response-lengths.mjs'), PANEL);
  const plugins = ['./response-lengths.mjs', { use: 'quorum/plugins/jsonl', options: { file: 'events.jsonl' } }];
  const config = join(folder, 'quorum.config.json');
  writeFileSync(config, JSON.stringify({ plugins }));
  const options = ['--config', config, '--run', join(folder, 'run'), ...SETTINGS.flatMap((each) => ['--set', each])];
  const daemon = spawn(process.execPath, [join(ROOT, 'bin', 'quorum.js'), 'start', ...options], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => daemon.once('close', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: daemon.stdout }).on('line', (line) => {
      const address = /dashboard (http:\S+)/.exec(line)?.[1];
      if (address !== undefined) resolve(address);
    });
    daemon.once('close', () => reject(new Error('the daemon ended before its dashboard was there')));
  });
  const end = async (): Promise<void> => {
    daemon.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, end };
}

const running = process.argv[2];
const { url, end } = running === undefined ? await startRun() : { url: running, end: async () => {} };
const browser = await launch();
try {
  while ((await version()) < STEPS) await pause(1000);
  mkdirSync(PICTURES, { recursive: true });
  for (const picture of PAGES) await take(browser, picture);
} finally {
  await browser.close();
  await end();
}

async function version(): Promise<number> {
  const metrics = await (await fetch(`${url}metrics`)).text();
  return Number(/^quorum_policy_version (\d+)$/m.exec(metrics)?.[1] ?? 0);
}

async function take(browser: Browser, { name, theme, phone = false, height, ready, route }: Picture): Promise<void> {
  await using opened = await open(browser, url, { theme, phone });
  const { page } = opened;
  if (height !== undefined) await page.setViewportSize({ ...page.viewportSize()!, height });
  await opened.goto(await route(page, url), ready);
  await page.waitForLoadState('networkidle');
  await pause(1500); // charts, pictures and the newest status, each of which comes by itself
  const png = await sharp(await page.screenshot())
    .png({ palette: true, colours: 128, effort: 10, compressionLevel: 9 })
    .toBuffer();
  if (opened.errors.length > 0) throw new Error(`${name}: ${opened.errors.join('; ')}`);
  if (png.length > MOST_BYTES) throw new Error(`${name}.png has ${png.length} bytes, more than ${MOST_BYTES}`);
  writeFileSync(join(PICTURES, `${name}.png`), png);
  process.stderr.write(`docs/pictures/${name}.png: ${(png.length / 1000).toFixed(0)} kB\n`);
}
