import { expect, it } from 'vitest';
import { realClock } from '../../../dashboards/server/clock.ts';
import { openDesk } from '../server/support/browser.ts';
import { CLIENT_FOLDER, describeInBrowser, launch, open } from './harness.ts';

describeInBrowser('a run without labels', () => {
  it('says so, and shows what is measured where accuracy would stand; the cursor names the step of a value from another one', async () => {
    const browser = await launch();
    const { daemon, dashboard } = await openDesk({ clock: realClock, clientFolder: CLIENT_FOLDER });
    for (let step = 0; step <= 8; step += 1) {
      daemon.stored.metric('at', step, 1_000 * step);
      daemon.stored.metric('voteShare', step, 0.5);
      daemon.stored.metric('reward', step, 0.5);
      if (step % 5 === 0) daemon.stored.metric('heldOut.asBase', step, 1 - step / 20);
      if (step % 5 === 0) daemon.stored.metric('heldOut.voteShare', step, 0.6);
    }
    const figures = {
      n: 14,
      answered: 1,
      asBase: 0.75,
      asTrusted: null,
      trusted: null,
      voteShare: 0.6,
      entropy: 0.2,
      responseTokens: 9,
    };
    const now = { version: 5, seconds: 60, ...figures };
    const accuracy = { ...daemon.status().accuracy, baseline: null, now: null, best: null, history: [] };
    daemon.tick({ accuracy, labelFree: { questions: 14, labelled: 0, baseline: null, now, history: [now], best: 5 } });
    try {
      await using opened = await open(browser, dashboard.url);
      const { page } = opened;
      await opened.goto('', '.chart canvas');
      await page
        .getByText(
          'This data has no labels, so accuracy cannot be measured: watch how many of the answers to the 14 held-out',
        )
        .waitFor();
      await page.locator('.stat', { hasText: 'Answers as the base' }).getByText('75.0 %').waitFor();
      const titles = await page.locator('.chart-title').allInnerTexts();
      expect(titles.slice(0, 2)).toEqual(['Held-out answers, without labels', 'Vote share']);
      expect(titles).not.toContain('Reward'); // it is the vote share where no plug-in rewards
      const chart = page.locator('.chart-plot').first();
      await chart.focus();
      await chart.press('End');
      expect(await chart.getAttribute('aria-valuetext')).toBe(
        'step 8: as the base at step 5 75.0 %, vote share at step 5 60.0 %',
      );
      await chart.press('Home');
      await expect
        .poll(() => chart.getAttribute('aria-valuetext'))
        .toBe('step 0: as the base 100.0 %, vote share 60.0 %');
      expect(await opened.violations()).toEqual([]);
      await opened.screenshot('without-labels');
      expect(opened.errors).toEqual([]);
    } finally {
      await browser.close();
      await dashboard.close();
    }
  });
});

describeInBrowser('commands that the daemon has accepted', () => {
  it('are shown with what they wait for; a connection that is lost is no failure of theirs', async () => {
    const browser = await launch();
    const { daemon, dashboard } = await openDesk({ clock: realClock, clientFolder: CLIENT_FOLDER });
    const words = 'version 3: without labels, on 14 held-out questions: 71.4 % answered as by the base';
    daemon.obey = () => Promise.resolve(words);
    try {
      await using opened = await open(browser, dashboard.url);
      const { page } = opened;
      await opened.goto('control', '.command');
      await page.getByRole('button', { name: 'Quick evaluation' }).click();
      await page.getByRole('listitem').getByText(words).waitFor();
      daemon.commands.length = 0;
      daemon.obey = () => new Promise(() => {});
      await page.getByRole('button', { name: 'Full evaluation' }).click();
      await page.getByRole('button', { name: 'Pause' }).click();
      await expect.poll(() => daemon.commands.map(({ command }) => command.type)).toEqual(['evaluate', 'pause']);
      const [author, since] = ['the dashboard at 127.0.0.1', daemon.status().at - 3000];
      const evaluating = { type: 'evaluate', text: 'evaluate in full', author, since, behind: null };
      daemon.tick({
        commands: [evaluating, { type: 'pause', text: 'pause', author, since, behind: 'the step in hand' }],
      });
      const inHand = page.getByRole('list', { name: 'Commands in hand' });
      await inHand.getByText('evaluate in full').waitFor();
      await inHand.getByText('pausing: the step in hand').waitFor();
      await page.locator('.topbar').getByText('Pausing').waitFor();
      expect(await opened.violations()).toEqual([]);
      await opened.screenshot('commands-in-hand');

      await dashboard.close();
      await page.getByText('The daemon carries out what has reached it').first().waitFor();
      await opened.screenshot('commands-unheard');
      expect(await page.locator('.field-error').count()).toBe(0);
      expect(await opened.violations()).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
