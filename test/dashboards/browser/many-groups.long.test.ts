import { expect, it } from 'vitest';
import { describeInBrowser, launch, open } from './harness.ts';
import { startStoredDaemon } from './stored-daemon.ts';

describeInBrowser('the pages over 20,000 groups', () => {
  it('open, filter, find nothing and count', async () => {
    await using daemon = await startStoredDaemon({ groups: 20_000, pictures: 2000 });
    const browser = await launch();
    try {
      await using opened = await open(browser, daemon.url);
      await opened.goto('rollouts', '.group-card');
      const rare = daemon.run.judged.find(({ verdict }) => verdict.dropped === 'no-box')!;
      await opened.goto('rollouts?verdict=no-box&kind=' + encodeURIComponent(rare.group.question.kind!), '.group-card');
      await opened.goto('rollouts?q=zebra', '.notice');
      await opened.goto('questions', '.stats');
      expect(await opened.page.locator('.stat dd').first().innerText()).toBe(
        new Set(daemon.run.judged.map(({ group }) => group.question.id)).size.toLocaleString('en-US'),
      );
      await opened.goto('versions', '.versions');
      expect(opened.errors).toEqual([]);
    } finally {
      await browser.close();
    }
  }, 180_000);
});
