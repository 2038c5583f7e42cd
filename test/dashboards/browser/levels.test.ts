import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDashboard, type Dashboard } from '../../../dashboards/server/server.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { toyAnswer } from '../../support/toy-policy.ts';
import { CLIENT_FOLDER, describeInBrowser, launch, LOOKS, open, startToyDaemon } from './harness.ts';
import { CHECKS, LOST, MadeUpSource } from './made-up-source.ts';

const STEPS = 60_000;
const EVALUATED = 250;

/** How dark the row of a level is on a light page, in [0, 1]; row 0 is the topmost. */
async function ink(page: Page, row: number, of: number): Promise<number> {
  const shot = sharp(await page.locator('.level-map canvas').screenshot()).greyscale();
  const { data, info } = await shot.raw().toBuffer({ resolveWithObject: true });
  const y = Math.round(6 + ((info.height - 32) * (row + 0.5)) / of);
  const cells = data.subarray(y * info.width + 60, (y + 1) * info.width - 70);
  return cells.reduce((sum, grey) => sum + 255 - grey, 0) / cells.length / 255;
}

describeInBrowser('the page Now of a run with levels and checks', () => {
  let browser: Browser;
  let dashboard: Dashboard;
  const source = new MadeUpSource(STEPS);
  const runFolder = mkdtempSync(join(tmpdir(), 'quorum-test-'));

  beforeAll(async () => {
    const options = { port: 0, host: '127.0.0.1', allowedHosts: [], maxClients: 8, runFolder };
    [browser, dashboard] = await Promise.all([
      launch(),
      startDashboard(source, { ...options, clientFolder: CLIENT_FOLDER, onError: () => undefined }),
    ]);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await dashboard?.close();
    rmSync(runFolder, { recursive: true, force: true });
  });

  it.each(LOOKS)('has a map of accuracy by level that is accessible and quiet in $look', async ({ theme, phone }) => {
    await using opened = await open(browser, dashboard.url, { theme, phone });
    await opened.goto('', '.level-map canvas');
    await opened.page.locator('.level-map').scrollIntoViewIfNeeded();
    await expect
      .poll(() => opened.page.locator('.level-map canvas').getAttribute('aria-label'))
      .toMatch(/^Accuracy by level at step \d+: level 1 \d+ %, .*level 12 \d+ %$/);
    await opened.screenshot(`levels-${theme}${phone ? '-phone' : ''}`);
    expect(await opened.violations()).toEqual([]);
    expect(opened.errors).toEqual([]);
    expect(await opened.page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
  });

  it.each([false, true])(
    'draws the checks between sampler and voter, with the votes that each took; phone: %s',
    async (phone) => {
      await using opened = await open(browser, dashboard.url, { phone });
      const { page } = opened;
      await opened.goto('', '.check-rows');
      const card = page.locator('.actor-card', { has: page.locator('.check-rows') });
      const rows = (await card.locator('li').allInnerTexts()).map((text) => text.split('\n').join(' '));
      expect(rows).toEqual([...CHECKS.slice(0, 3).map((name, i) => `${name} 1,${LOST - 1000 + i}`), '2 more']);
      const boxOf = async (name: string) =>
        (await page.locator('.actor-card', { has: page.getByText(name, { exact: true }) }).boundingBox())!;
      const [sampler, check, voter] = [await boxOf('sampler-2'), (await card.boundingBox())!, await boxOf('voter')];
      const [at, size] = phone ? (['y', 'height'] as const) : (['x', 'width'] as const);
      expect(sampler[at] + sampler[size]).toBeLessThan(check[at]);
      expect(check[at] + check[size]).toBeLessThan(voter[at]);
      const hidden =
        "[...document.querySelectorAll('.actor-card')].map((card) => card.scrollHeight - card.clientHeight)";
      expect(new Set(await page.evaluate<number[]>(hidden))).toEqual(new Set([0]));
      expect(opened.errors).toEqual([]);
    },
  );

  it('has the hardest level on top, says what is under the pointer, and moves the cursor of the charts', async () => {
    await using opened = await open(browser, dashboard.url, { theme: 'light' });
    const { page } = opened;
    await opened.goto('', '.level-map canvas');
    const canvas = page.locator('.level-map canvas');
    await canvas.scrollIntoViewIfNeeded();
    await expect.poll(() => ink(page, 11, 12)).toBeGreaterThan(0.3);
    expect(await ink(page, 0, 12)).toBeLessThan((await ink(page, 11, 12)) - 0.1);

    const box = (await canvas.boundingBox())!;
    await page.mouse.move(box.x + 52 + (box.width - 108) / 2, box.y + box.height - 40);
    const where = page.locator('.level-map .chart-where');
    await expect.poll(() => where.innerText()).toMatch(/^step [\d,]+ · level 1 · [\d.]+ %$/);
    const step = Number(/[\d,]+/.exec(await where.innerText())![0].replaceAll(',', ''));
    expect(step % EVALUATED).toBe(0);
    expect(Math.abs(step - STEPS / 2)).toBeLessThan(1000);
    const value = source.store.metricRow(step)['level.1']!;
    expect(await where.innerText()).toContain(`${(100 * value).toFixed(1)} %`);
    await expect
      .poll(() => page.locator('figure', { hasText: 'Vote share' }).locator('.chart-where').innerText())
      .toMatch(/^step (29|30),\d{3}/);
    await page.mouse.move(0, 0);
    await expect.poll(() => where.innerText()).toBe('');
    expect(opened.errors).toEqual([]);
  });
});

describeInBrowser('accuracy by level of a daemon', () => {
  it('is shown for a data set whose rows have a level, and follows the evaluations', async () => {
    const folder = temporaryFolder();
    const write = (name: string, count: number) => {
      const rows = Array.from({ length: count }, (_, i) => {
        const problem = `question ${i}`;
        return { id: `${name}-${i}`, problem, images: [], answer: String(toyAnswer(problem)), level: 1 + (i % 3) };
      });
      const file = join(folder, `${name}.jsonl`);
      writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'));
      return file;
    };
    const data = { type: 'jsonl', trainFile: write('train', 48), heldOutFile: write('held-out', 24) } as const;
    await using daemon = await startToyDaemon({ config: { data, evaluation: { everySteps: 2 } }, stepTakes: 50 });
    const browser = await launch();
    try {
      await using opened = await open(browser, daemon.url);
      await opened.goto('', '.level-map canvas');
      const label = () => opened.page.locator('.level-map canvas').getAttribute('aria-label');
      const step = async () =>
        Number(/at step (\d+): level 1 \d+ %, level 2 \d+ %, level 3 \d+ %$/.exec((await label())!)?.[1]);
      await expect.poll(step, { timeout: 30_000 }).toBeGreaterThan(0);
      const first = await step();
      await expect.poll(step, { timeout: 30_000 }).toBeGreaterThan(first);
      expect(opened.errors).toEqual([]);
    } finally {
      await browser.close();
    }
  }, 120_000);
});
