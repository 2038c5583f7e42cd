import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeInBrowser, launch, LOOKS, open, startToyDaemon, type DaemonProcess } from './harness.ts';

describeInBrowser('the pages Now, Actors and Control, in front of a running daemon', () => {
  let browser: Browser;
  let daemon: DaemonProcess;

  beforeAll(async () => {
    [browser, daemon] = await Promise.all([launch(), startToyDaemon()]);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await daemon?.[Symbol.asyncDispose]();
  });

  const pages = [
    { route: '', name: 'now', ready: '.chart canvas' },
    { route: 'actors', name: 'actors', ready: '.state.active' },
    { route: 'control', name: 'control', ready: '.setting-value' },
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

  it('shows the history at once, and then each new step', async () => {
    await using opened = await open(browser, daemon.url);
    await opened.goto('', '.chart canvas');
    const { page } = opened;
    const version = () => page.locator('.facts b').last().innerText();
    const first = await version();
    await expect.poll(version, { timeout: 20_000 }).not.toBe(first);
    expect(Number((await version()).replace(',', ''))).toBeGreaterThan(Number(first.replace(',', '')));
    await expect.poll(() => page.locator('.loop foreignObject').count(), { timeout: 20_000 }).toBeGreaterThanOrEqual(5);
  });

  it.each([1_280, 1_400, 1_920])('the loop lies in a window of %s pixels, above the charts', async (width) => {
    await using opened = await open(browser, daemon.url);
    const { page } = opened;
    await page.setViewportSize({ width, height: 900 });
    await opened.goto('', '.chart canvas');
    const place = async (selector: string) => (await page.locator(selector).first().boundingBox())!;
    await expect.poll(async () => (await place('.loop svg')).height, { timeout: 20_000 }).toBeLessThan(500);
    expect((await place('.chart canvas')).y).toBeLessThan(900);
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
  });

  it('has no map of levels where the questions have none', async () => {
    await using opened = await open(browser, daemon.url);
    await opened.goto('', '.chart canvas');
    expect(await opened.page.locator('.level-map').count()).toBe(0);
  });

  it('zooms by dragging, hovers with exact values on all charts, pauses, and turns the axis', async () => {
    await using opened = await open(browser, daemon.url);
    const { page } = opened;
    await opened.goto('', '.chart canvas');
    const over = page.locator('.chart .u-over').first();
    await over.scrollIntoViewIfNeeded();
    const box = (await over.boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.3, box.y + 40);
    await expect
      .poll(() =>
        page
          .locator('.chart-where')
          .evaluateAll((all) => all.filter(({ textContent }) => /^step \d/.test(textContent ?? '')).length),
      )
      .toBeGreaterThan(2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.7, box.y + 60, { steps: 4 });
    await page.mouse.up();
    await page.getByRole('button', { name: 'Reset zoom', disabled: false }).waitFor();
    await page.getByRole('radio', { name: 'Time', exact: true }).check({ force: true });
    await page.getByRole('button', { name: 'Reset zoom' }).click();
    await page.mouse.move(0, 0);
    await page.getByRole('button', { name: 'Pause' }).click();
    const chart = page.locator('figure', { hasText: 'Vote share' }); // near the button: only charts in view are drawn
    const version = () => page.locator('.facts b').last().innerText();
    const marks = () =>
      chart.locator('canvas').evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL());
    await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))');
    const [held, then] = [await marks(), await version()];
    await expect.poll(version, { timeout: 20_000 }).not.toBe(then);
    expect(await marks()).toBe(held);
    await page.getByRole('button', { name: 'Go on', pressed: true }).click();
    await expect.poll(marks, { timeout: 20_000 }).not.toBe(held);
    await page.locator('.chart-plot').first().press('+');
    await page.getByRole('button', { name: 'Reset zoom', disabled: false }).waitFor();
    await over.dblclick();
    await page.getByRole('button', { name: 'Reset zoom', disabled: true }).waitFor();
    expect(opened.errors).toEqual([]);
  });

  it('moves the cursor of all charts and zooms by keyboard', async () => {
    await using opened = await open(browser, daemon.url);
    const { page } = opened;
    await opened.goto('', '.chart canvas');
    await page.getByRole('button', { name: 'Pause' }).click();
    const chart = page.locator('.chart-plot').first();
    const step = async () =>
      Number(/^step ([\d,]+)/.exec((await chart.getAttribute('aria-valuetext')) ?? '')?.[1]?.replace(',', ''));
    await chart.focus();
    await chart.press('End');
    const last = await step();
    expect(last).toBeGreaterThan(3);
    await chart.press('ArrowLeft');
    const before = await step();
    expect(before).toBeLessThan(last);
    await chart.press('ArrowLeft');
    expect(await step()).toBe(before - (last - before));
    await chart.press('ArrowRight');
    expect(await step()).toBe(before);
    const others = () =>
      page.locator('.chart-where').evaluateAll((all) => all.filter(({ textContent }) => textContent !== '').length);
    await expect.poll(others).toBeGreaterThan(1);
    await chart.press('+');
    await page.getByRole('button', { name: 'Reset zoom', disabled: false }).waitFor();
    await chart.press('-');
    await page.getByRole('button', { name: 'Reset zoom', disabled: true }).waitFor();
    await chart.press('+');
    await chart.press('0');
    await page.getByRole('button', { name: 'Reset zoom', disabled: true }).waitFor();
    await page.getByRole('button', { name: 'Go on' }).focus();
    await expect.poll(others).toBe(0);
    expect(opened.errors).toEqual([]);
  });

  it('keeps the chosen theme, and moves the focus to the page that is opened', async () => {
    await using opened = await open(browser, daemon.url, { theme: 'dark' });
    const { page } = opened;
    await opened.goto('', '.chart canvas');
    await page.getByRole('radio', { name: 'Light' }).check({ force: true });
    const ground = () => page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    const light = await ground();
    await page.reload();
    await page.locator('.chart canvas').first().waitFor();
    expect(await ground()).toBe(light);
    await page.getByRole('link', { name: 'Actors' }).press('Enter');
    await page.locator('.state.active').first().waitFor();
    expect(await page.evaluate('document.activeElement?.id')).toBe('main');
  });
});

describeInBrowser('commands', () => {
  it('are carried out, are in the event log with their author, and ask first where they end the daemon', async () => {
    await using daemon = await startToyDaemon();
    const browser = await launch();
    try {
      await using opened = await open(browser, daemon.url);
      const { page } = opened;
      await opened.goto('control', '.setting-value');
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.locator('.topbar').getByText('Paused', { exact: true }).waitFor();
      await page.getByRole('button', { name: 'Resume' }).click();
      await page.locator('.topbar').getByText('Running', { exact: true }).waitFor();

      const temperature = page.getByLabel('sampling.temperature');
      const row = page.locator('form', { has: temperature });
      await temperature.fill('-3');
      await row.getByText(/^At least/).waitFor();
      expect(await row.getByRole('button').isDisabled()).toBe(true);
      const rate = page.getByLabel('learner.learningRate');
      await rate.fill('0');
      await page.locator('form', { has: rate }).getByText('Above 0.', { exact: true }).waitFor();
      await temperature.fill('0.8');
      await row.getByRole('button', { name: 'Set' }).click();
      await row.getByText(/sampling\.temperature is 0\.8 now/).waitFor();
      await page.locator('.log').getByText('the dashboard at').first().waitFor();

      await page.getByRole('button', { name: 'Save a checkpoint' }).click();
      await page
        .getByText(/^version \d+ is saved$/)
        .first()
        .waitFor();
      await page.getByRole('button', { name: 'Quick evaluation' }).click();
      await page
        .getByText(/^version \d+: accuracy [\d.]+ % on \d+ held-out questions$/)
        .first()
        .waitFor();

      await page.getByRole('button', { name: 'Stop …' }).click();
      const dialog = page.getByRole('dialog');
      expect(await opened.violations()).toEqual([]);
      await opened.screenshot('control-stop');
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      await dialog.waitFor({ state: 'detached' });
      await page.getByRole('button', { name: 'Stop …' }).click();
      const ended = new Promise((resolve) => daemon.process.once('exit', resolve));
      await dialog.getByRole('button', { name: 'Stop', exact: true }).click();
      expect(await ended).toBe(0);
      await page.getByText(/The daemon has stopped/).waitFor();
      await opened.screenshot('stopped');
    } finally {
      await browser.close();
    }
  }, 180_000);

  it('are not offered with the view token', async () => {
    const tokens = { viewToken: 'view-token-of-the-test', controlToken: 'control-token-of-the-test' };
    await using daemon = await startToyDaemon({ config: { dashboard: tokens } });
    const browser = await launch();
    try {
      await using opened = await open(browser, daemon.url);
      await opened.page.goto(`${daemon.url}?token=${tokens.viewToken}#/control`);
      await opened.page.getByText('This browser may only look').waitFor();
      await opened.page.getByRole('heading', { name: 'Event log' }).waitFor();
      expect(await opened.page.getByRole('button', { name: 'Pause' }).count()).toBe(0);
      expect(opened.page.url()).not.toContain('token');
      expect(await opened.violations()).toEqual([]);
    } finally {
      await browser.close();
    }
  }, 120_000);
});
