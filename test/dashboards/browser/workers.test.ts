import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HAS_NATS, natsServer } from '../../support/nats-server.ts';
import { startToyWorker } from '../../support/worker-process.ts';
import { describeInBrowser, launch, LOOKS, open, startToyDaemon, TOY_EDGE } from './harness.ts';

describeInBrowser('workers, on the page Actors', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launch();
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
  });

  it('are not there in a run that no worker can join', async () => {
    await using daemon = await startToyDaemon();
    await using opened = await open(browser, daemon.url);
    await opened.goto('actors', '.actor');
    expect(await opened.page.locator('.workers').count()).toBe(0);
  }, 60_000);

  describe.skipIf(!HAS_NATS)('with a real nats-server', () => {
    it('are listed while they sample and after they left', async () => {
      const nats = await natsServer();
      await using daemon = await startToyDaemon({ config: { cluster: { nats: nats.url } } });
      await using opened = await open(browser, daemon.url);
      const { page } = opened;
      await opened.goto('actors', '.workers');
      await page.getByText('No worker has joined').waitFor();
      const worker = startToyWorker(nats.url, 'gpu-a', 0, { TOY_EDGE: String(TOY_EDGE) });
      const row = page.locator('.workers tr', { hasText: 'gpu-a' });
      await expect.poll(() => row.locator('.badge').innerText(), { timeout: 40_000 }).toBe('working');
      const cell = (nth: number) => row.locator('td').nth(nth).innerText();
      await expect.poll(async () => Number(await cell(5)), { timeout: 40_000 }).toBeGreaterThan(0);
      expect(await cell(1)).toBe('cpu');
      // The worker says its version with its next heartbeat.
      await expect.poll(() => cell(3), { timeout: 40_000 }).toMatch(/^[\d,]+$/);
      expect(await cell(4)).toMatch(/^\d+$/);
      await expect.poll(() => cell(8), { timeout: 40_000 }).toMatch(/^[1-9][\d.]* [kM]?B$/);
      expect(await cell(9)).toMatch(/^[1-9][\d.]* [kM]?B$/);
      await page.getByText('1 of 1 working').waitFor();
      worker.child.kill('SIGTERM');
      await expect.poll(() => row.locator('.badge').innerText(), { timeout: 40_000 }).toBe('left');
      expect(await cell(4)).toBe('–');
      expect(opened.errors).toEqual([]);
      for (const { look, theme, phone } of LOOKS) {
        await using other = await open(browser, daemon.url, { theme, phone });
        await other.goto('actors', '.workers tbody tr');
        await other.screenshot(`workers-${theme}${phone ? '-phone' : ''}`);
        expect({ look, violations: await other.violations(), errors: other.errors }).toEqual({
          look,
          violations: [],
          errors: [],
        });
        expect(await other.page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
      }
    }, 120_000);
  });
});
