import { expect, it } from 'vitest';
import { startDashboard } from '../../../dashboards/server/server.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { CLIENT_FOLDER, describeInBrowser, launch, open } from './harness.ts';
import { MadeUpSource } from './made-up-source.ts';

const POINTS = 100_000;
const SECONDS = 5;
/** Opening the page, which draws everything for the first time, is not what is measured. */
const UPDATES_BEFORE = 60;
/**
 * Milliseconds of script that an update may take, of the 100 between two. This, not the frames, is asserted: a busy
 * machine that paints by software shows few frames whatever the page does.
 */
const MOST_MILLISECONDS = 40;

/** Runs in the page. */
const FRAMES_PER_SECOND = `new Promise((resolve) => {
  let count = 0;
  const start = performance.now();
  const frame = () => {
    count += 1;
    const seconds = (performance.now() - start) / 1000;
    if (seconds < ${SECONDS}) requestAnimationFrame(frame);
    else resolve(count / seconds);
  };
  requestAnimationFrame(frame);
})`;

describeInBrowser('the charts', () => {
  it(`stay smooth with ${POINTS} points of history and ten updates a second`, async () => {
    const source = new MadeUpSource(POINTS);
    const failures: unknown[] = [];
    const dashboard = await startDashboard(source, {
      port: 0,
      host: '127.0.0.1',
      allowedHosts: [],
      maxClients: 4,
      runFolder: temporaryFolder(),
      clientFolder: CLIENT_FOLDER,
      onError: (error) => failures.push(error),
    });
    const browser = await launch();
    const stepping = setInterval(() => source.step(), 100);
    try {
      await using opened = await open(browser, dashboard.url, { stillness: false });
      const { page } = opened;
      await opened.goto('', '.chart canvas');
      const debug = await page.context().newCDPSession(page);
      await debug.send('Performance.enable', { timeDomain: 'threadTicks' });
      const busy = async () =>
        (await debug.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'ScriptDuration')!.value;
      for (const until = source.steps + UPDATES_BEFORE; source.steps < until;)
        await page.evaluate('new Promise(requestAnimationFrame)');
      const [begun, busyBefore] = [source.steps, await busy()];
      const frames = await page.evaluate<number>(FRAMES_PER_SECOND);
      const updates = source.steps - begun;
      const each = ((await busy()) - busyBefore) * (1000 / updates);
      process.stderr.write(
        `charts: ${frames.toFixed(1)} frames/s with ${POINTS} points, ${updates / SECONDS} updates/s of ${each.toFixed(1)} ms script each\n`,
      );
      expect(frames).toBeGreaterThan(0);
      expect(updates).toBeGreaterThan(0);
      expect(each).toBeLessThan(MOST_MILLISECONDS);
      expect(opened.errors).toEqual([]);
      expect(failures).toEqual([]);
    } finally {
      clearInterval(stepping);
      await browser.close();
      await dashboard.close();
    }
  }, 120_000);
});
