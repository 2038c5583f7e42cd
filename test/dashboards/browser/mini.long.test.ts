import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { describeInBrowser, launch, open, startQuorum, type DaemonProcess } from './harness.ts';

/** A loop small enough to evaluate, to save and to write questions within seconds. */
const SMALL = [
  'synthesis.mode=both',
  'sampling.samples=6',
  'loop.batchGroups=2',
  'loop.jobQuestions=2',
  'loop.maxStaleness=1',
  'evaluation.questions=12',
  'evaluation.fullQuestions=8',
  'evaluation.k=4',
  'evaluation.everySteps=2',
  'checkpoints.everySteps=2',
];
const LEARNT = 4;

interface Stop {
  readonly name: string;
  readonly route: string;
  readonly ready: string;
}

describeInBrowser('the dashboard of `quorum start`', () => {
  let browser: Browser;
  let daemon: DaemonProcess;

  beforeAll(async () => {
    [browser, daemon] = await Promise.all([launch(), startQuorum(SMALL)]);
    await vi.waitUntil(async () => (await gauge('policy_version')) >= LEARNT, { timeout: 150_000, interval: 250 });
  }, 180_000);

  afterAll(async () => {
    await browser?.close();
    await daemon?.[Symbol.asyncDispose]();
  });

  async function gauge(name: string): Promise<number> {
    const text = await (await fetch(new URL('metrics', daemon.url))).text();
    return Number(new RegExp(`^quorum_${name} (\\S+)$`, 'm').exec(text)?.[1]);
  }

  /** Pages of one thing each, found as a user finds them: by following links. */
  async function stopsOf(page: Page): Promise<readonly Stop[]> {
    const link = async (selector: string) =>
      (await page.locator(selector).first().getAttribute('href'))!.replace('#/', '');
    await page.goto(`${daemon.url}#/rollouts`);
    const group = await link('.group-question a');
    await page.goto(`${daemon.url}#/${group}`);
    const question = await link('a[href*="/q/"]');
    await page.goto(`${daemon.url}#/versions`);
    const compare = await link('a[href*="compare"]');
    return [
      { name: 'now', route: '', ready: '.chart canvas' },
      { name: 'rollouts', route: 'rollouts', ready: '.group-card img' },
      { name: 'group', route: group, ready: '.token' },
      { name: 'question', route: question, ready: '.vote-bar' },
      { name: 'questions', route: 'questions', ready: '.stat' },
      { name: 'actors', route: 'actors', ready: '.state.active' },
      { name: 'versions', route: 'versions', ready: 'tr[data-version]' },
      { name: 'compare', route: compare, ready: '.stat' },
      { name: 'control', route: 'control', ready: '.setting-value' },
    ];
  }

  it.each([
    { theme: 'dark', phone: false },
    { theme: 'light', phone: true },
  ] as const)(
    'every page is accessible and quiet, in $theme, on a phone: $phone',
    async ({ theme, phone }) => {
      await using opened = await open(browser, daemon.url, { theme, phone });
      const { page } = opened;
      for (const { name, route, ready } of await stopsOf(page)) {
        await opened.goto(route, ready);
        await opened.screenshot(`mini-${name}-${theme}${phone ? '-phone' : ''}`);
        const overflow = await page.evaluate('Math.max(0, document.documentElement.scrollWidth - innerWidth)');
        expect({ name, violations: await opened.violations(), errors: opened.errors, overflow }).toEqual({
          name,
          violations: [],
          errors: [],
          overflow: 0,
        });
      }
    },
    90_000,
  );

  it('shows what the daemon measures, and what the model said', async () => {
    await using opened = await open(browser, daemon.url);
    const { page } = opened;
    await opened.goto('', '.chart canvas');
    const stat = (name: string) => page.locator('.stat', { hasText: name }).locator('dd').first().innerText();
    // The page may be behind by one update, never ahead.
    const before = await gauge('policy_version');
    await expect
      .poll(async () => Number(await stat('Policy version')), { timeout: 10_000 })
      .toBeGreaterThanOrEqual(before);
    const shown = Number(await stat('Policy version'));
    expect(shown).toBeLessThanOrEqual((await gauge('policy_version')) + 1);
    const heads = await page.locator('.actor-head strong').allInnerTexts();
    expect(heads.toSorted()).toEqual([
      'check',
      'evaluator',
      'guardian',
      'learner',
      'questioner',
      'sampler-1',
      'synthesizer',
      'voter',
    ]);
    const titles = await page.locator('.chart-title').allInnerTexts();
    const measured = [
      'Held-out accuracy',
      'Vote share',
      'KL to the base',
      'Entropy',
      'Response length',
      'Clip fraction',
    ];
    expect(titles).toEqual(expect.arrayContaining([...measured, 'Tokens/s', 'Steps/min', 'Memory', 'Busy']));
    expect(await page.locator('.chart-value b', { hasText: /^–$/ }).count()).toBe(0);

    const [, , group, , , , , compare] = await stopsOf(page);
    await opened.goto(group!.route, '.token');
    const tokens = page.locator('.tokens').first();
    expect((await tokens.innerText()).replace(/end$/, '')).toMatch(/\S/);
    await opened.goto(compare!.route, '.stat');
    await page.getByText('never used for training').first().waitFor();
    expect(opened.errors).toEqual([]);
  }, 60_000);

  it('is paused, stepped on and stopped from the page Control', async () => {
    await using opened = await open(browser, daemon.url);
    const { page } = opened;
    await opened.goto('control', '.setting-value');
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.locator('.topbar').getByText('Paused', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.locator('.topbar').getByText('Running', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Stop …' }).click();
    const ended = new Promise((resolve) => daemon.process.once('exit', resolve));
    await page.getByRole('dialog').getByRole('button', { name: 'Stop', exact: true }).click();
    expect(await ended).toBe(0);
    await page.getByText(/The daemon has stopped/).waitFor();
  }, 60_000);
});
