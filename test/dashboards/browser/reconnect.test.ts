import { expect, it } from 'vitest';
import { describeInBrowser, launch, open, startToyDaemon } from './harness.ts';

describeInBrowser('a lost connection', () => {
  it('shows itself, and comes back with the whole history and without a reload after the daemon was killed and started again', async () => {
    const browser = await launch();
    const first = await startToyDaemon();
    try {
      await using opened = await open(browser, first.url);
      const { page } = opened;
      await opened.goto('', '.chart canvas');
      const version = async () =>
        Number((await page.locator('.facts span:last-child b').innerText()).replaceAll(',', ''));
      await expect.poll(version, { timeout: 60_000 }).toBeGreaterThan(5);
      await page.evaluate(() => Object.assign(globalThis, { sameDocument: true }));

      await first.kill();
      const banner = page.locator('.banner');
      await banner.getByText(/Connection lost.*Trying/).waitFor();
      await banner.getByRole('button', { name: 'Retry now' }).waitFor();
      await opened.screenshot('lost');
      expect(await opened.violations()).toEqual([]);
      const before = await version();
      expect(before).toBeGreaterThan(5);

      await using second = await startToyDaemon({ folder: first.folder, port: Number(new URL(first.url).port) });
      expect(second.url).toBe(first.url);
      await banner.waitFor({ state: 'detached', timeout: 60_000 });
      await expect.poll(version, { timeout: 60_000 }).toBeGreaterThan(before);
      expect(await page.evaluate(() => (globalThis as { sameDocument?: boolean }).sameDocument)).toBe(true);
      await page.getByText('Connected again: the daemon was restarted.').waitFor({ state: 'attached' });
      // The chart begins with the run, not with the reconnection.
      const chart = page.locator('.chart .u-over').last();
      await chart.scrollIntoViewIfNeeded();
      const box = (await chart.boundingBox())!;
      await page.mouse.move(box.x + 2, box.y + 20);
      await expect.poll(() => page.locator('.chart-where').last().innerText()).toMatch(/^step [01]\b/);
    } finally {
      await first[Symbol.asyncDispose]();
      await browser.close();
    }
  }, 240_000);
});
