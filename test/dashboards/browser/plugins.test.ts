import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeInBrowser, launch, LOOKS, open, startToyDaemon, type DaemonProcess } from './harness.ts';

/** Fails until there is a file next to it. */
const SCALE = `
import { existsSync } from 'node:fs';
export default {
  name: 'scale',
  apiVersion: 1,
  ports: {
    filter: () => () => {
      if (!existsSync(new URL('repaired', import.meta.url))) throw new Error('no scale on the table <b>at all</b>');
    },
    watch: () => () => {},
  },
};`;

const SHOWS = `
let looks = 0;
export default {
  name: 'shows',
  apiVersion: 1,
  ports: {
    panel: () => () => {
      looks += 1;
      return {
        title: 'Lengths <i>seen</i>',
        blocks: [
          { type: 'text', text: 'What <b>was</b> seen:\\n<script>alert(1)</script>' },
          { type: 'numbers', rows: [{ name: 'looks', value: looks }, { name: 'mean', value: 0.4567, unit: 'tokens' }] },
          { type: 'table', columns: ['kind', 'groups'], rows: [['count', 12], ['sum', 7]] },
          {
            type: 'lines',
            x: [0, 30, 10, 20],
            xName: 'minute',
            lines: [{ name: 'short', y: [1, 4, 2, 3] }, { name: 'long', y: [5, null, 6, 8] }],
          },
        ],
      };
    },
  },
};`;

const FALLS = `export default { name: 'falls', apiVersion: 1, ports: { panel: () => () => { throw new Error('the drawer jams'); } } };`;

describeInBrowser('plug-ins, on the pages Actors and Panels', () => {
  let browser: Browser;
  let daemon: DaemonProcess;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'quorum-test-'));
    const plugins = Object.entries({ scale: SCALE, shows: SHOWS, falls: FALLS }).map(([name, text]) => {
      writeFileSync(join(folder, `${name}.ts`), text);
      return join(folder, `${name}.ts`);
    });
    const config = { plugins, supervision: { maxRestarts: 1, backoffMilliseconds: 1 } };
    [browser, daemon] = await Promise.all([launch(), startToyDaemon({ config })]);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await daemon?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const pages = [
    { route: 'actors', name: 'plugins', ready: '.plugin .bad' },
    { route: 'panels', name: 'panels', ready: '.chart canvas' },
  ] as const;
  const cases = pages.flatMap((page) => LOOKS.map((look) => ({ ...page, ...look })));

  it.each(cases)('$name is accessible and quiet in $look', async ({ route, name, ready, theme, phone }) => {
    await using opened = await open(browser, daemon.url, { theme, phone });
    await opened.goto(route, ready);
    await opened.screenshot(`${name}-${theme}${phone ? '-phone' : ''}`);
    expect(await opened.violations()).toEqual([]);
    expect(opened.errors).toEqual([]);
    expect(await opened.page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
  });

  it('draws what a panel says as text, numbers, a table and lines, and asks again', async () => {
    await using opened = await open(browser, daemon.url);
    const { page } = opened;
    await opened.goto('panels', '.chart canvas');
    const panel = page.locator('.plugin-panel', { hasText: 'Lengths <i>seen</i>' });
    expect(await panel.locator('.block-text').innerText()).toBe('What <b>was</b> seen:\n<script>alert(1)</script>');
    expect(await panel.locator('tbody td').allInnerTexts()).toEqual(['count', '12', 'sum', '7']);
    expect(await panel.locator('.stat', { hasText: 'mean' }).innerText()).toMatch(/0\.4567\s+tokens/);
    const plot = panel.locator('.chart-plot');
    await plot.press('End');
    await expect.poll(() => plot.getAttribute('aria-valuetext')).toBe('minute 30: short 4, long at minute 20 8');
    await plot.press('ArrowLeft');
    expect(await plot.getAttribute('aria-valuetext')).toBe('minute 20: short 3, long 8');
    const seen = async () =>
      Number(await panel.locator('.stat', { hasText: 'looks' }).locator('dd').first().innerText());
    const before = await seen();
    await expect.poll(seen, { timeout: 20_000 }).toBeGreaterThan(before);
    expect(await plot.getAttribute('aria-valuetext')).toBe('minute 20: short 3, long 8');
    expect(opened.errors).toEqual([]);
  }, 60_000);

  it('shows why one is parked, and starts it anew', async () => {
    await using opened = await open(browser, daemon.url);
    const { page } = opened;
    await opened.goto('actors', '.plugin .bad');
    const row = page.locator('.plugin', { hasText: 'scale' });
    const port = (name: string) => row.locator('.port', { hasText: name });
    await port('filter').getByText('no scale on the table <b>at all</b>').waitFor();
    expect(await port('filter').locator('.badge').innerText()).toBe('parked');
    expect(await port('watch').locator('.badge').innerText()).toBe('running');
    writeFileSync(join(folder, 'repaired'), '');
    await row.getByRole('button', { name: 'Restart scale' }).press('Enter');
    await row.getByText('Restarted scale.').waitFor();
    await expect.poll(() => port('filter').locator('.badge').innerText()).toBe('running');
    expect(await row.locator('.port-error').count()).toBe(0);
    expect(opened.errors).toEqual([]);
  }, 60_000);

  it('adds what is installed, and nothing from elsewhere; asks before it removes', async () => {
    await using opened = await open(browser, daemon.url);
    const { page } = opened;
    await opened.goto('actors', '.plugin');
    const [field, add] = [page.getByLabel('Add a plug-in'), page.getByRole('button', { name: 'Add', exact: true })];
    await field.fill('../x.ts');
    await page.getByText(/inside the folder of the configuration, without/).waitFor();
    expect(await add.isDisabled()).toBe(true);
    await field.fill('./nowhere.ts');
    await field.press('Enter');
    await page.getByText(/plug-in \.\/nowhere\.ts is not found/).waitFor();
    await field.fill('quorum/plugins/soft-vote');
    await add.click();
    await page
      .locator('.plugin-add')
      .getByText('Added quorum/plugins/soft-vote. It stays until the daemon stops')
      .waitFor();
    const row = page.locator('.plugin', { hasText: 'soft-vote' });
    await expect.poll(() => row.locator('.port .badge').first().innerText()).toBe('running');
    await row.getByRole('button', { name: 'Reload soft-vote' }).click();
    await row.getByText('Reloaded soft-vote.').waitFor();
    await row.getByRole('button', { name: 'Remove … soft-vote' }).click();
    expect(await opened.violations()).toEqual([]);
    await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
    await row.waitFor({ state: 'detached' });
    expect(await page.evaluate("document.activeElement?.closest('.plugins') !== null")).toBe(true);
    expect(opened.errors).toEqual([]);
  }, 60_000);

  it('has Panels in the navigation only while a plug-in has one', async () => {
    await using opened = await open(browser, daemon.url);
    const { page } = opened;
    await opened.goto('actors', '.plugin');
    const link = page.getByRole('link', { name: 'Panels' });
    await link.waitFor();
    for (const name of ['shows', 'falls']) {
      await page.getByRole('button', { name: `Remove … ${name}` }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
      await page.locator('.plugin', { hasText: name }).waitFor({ state: 'detached' });
    }
    await link.waitFor({ state: 'detached' });
    await opened.goto('panels', '.notice');
    await page.getByText('No panel to show').waitFor();
    expect(await opened.violations()).toEqual([]);
  }, 60_000);
});

describeInBrowser('plug-ins, with the view token', () => {
  it('are shown, without a button', async () => {
    const tokens = { viewToken: 'view-token-of-the-test', controlToken: 'control-token-of-the-test' };
    await using daemon = await startToyDaemon({ config: { dashboard: tokens, plugins: ['quorum/plugins/soft-vote'] } });
    const browser = await launch();
    try {
      await using opened = await open(browser, daemon.url);
      await opened.page.goto(`${daemon.url}?token=${tokens.viewToken}#/actors`);
      await opened.page.locator('.plugin .port').first().waitFor();
      expect(await opened.page.locator('.plugins button').count()).toBe(0);
      expect(await opened.violations()).toEqual([]);
    } finally {
      await browser.close();
    }
  }, 120_000);
});
