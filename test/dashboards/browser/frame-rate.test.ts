import { expect, it } from 'vitest';
import { startDashboard } from '../../../dashboards/server/server.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { CLIENT_FOLDER, describeInBrowser, launch, open } from './harness.ts';
import { MadeUpSource } from './made-up-source.ts';

const POINTS = 100_000;
const SECONDS = 5;
/** 50 is wanted. A busy machine that draws by software may not reach what any laptop does: this is where something must be wrong. */
const AT_LEAST = 20;

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
      const begun = source.steps;
      const frames = await page.evaluate<number>(FRAMES_PER_SECOND);
      const updates = (source.steps - begun) / SECONDS;
      process.stderr.write(`charts: ${frames.toFixed(1)} frames/s with ${POINTS} points and ${updates.toFixed(1)} updates/s\n`);
      expect(frames).toBeGreaterThan(AT_LEAST);
      expect(updates).toBeGreaterThan(5);
      expect(opened.errors).toEqual([]);
      expect(failures).toEqual([]);
    } finally {
      clearInterval(stepping);
      await browser.close();
      await dashboard.close();
    }
  }, 120_000);
});
