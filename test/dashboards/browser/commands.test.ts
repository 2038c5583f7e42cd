import { expect, it } from 'vitest';
import { realClock } from '../../../dashboards/server/clock.ts';
import { openDesk } from '../server/support/browser.ts';
import { CLIENT_FOLDER, describeInBrowser, launch, open } from './harness.ts';

describeInBrowser('commands that the daemon has accepted', () => {
  it('are shown with what they wait for; a connection that is lost is no failure of theirs', async () => {
    const browser = await launch();
    const { daemon, dashboard } = await openDesk({ clock: realClock, clientFolder: CLIENT_FOLDER });
    daemon.obey = () => new Promise(() => {});
    try {
      await using opened = await open(browser, dashboard.url);
      const { page } = opened;
      await opened.goto('control', '.command');
      await page.getByRole('button', { name: 'Full evaluation' }).click();
      await page.getByRole('button', { name: 'Pause' }).click();
      await expect.poll(() => daemon.commands.map(({ command }) => command.type)).toEqual(['evaluate', 'pause']);
      const [author, since] = ['the dashboard at 127.0.0.1', daemon.status().at - 3000];
      const evaluating = { type: 'evaluate', text: 'evaluate in full', author, since, behind: null };
      daemon.tick({ commands: [evaluating, { type: 'pause', text: 'pause', author, since, behind: 'the step in hand' }] });
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
