import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeInBrowser, launch, LOOKS, open } from './harness.ts';
import { expectSoon, startStoredDaemon, type StoredDaemon } from './stored-daemon.ts';

describeInBrowser('the page Questions', () => {
  let browser: Browser;
  let daemon: StoredDaemon;

  beforeAll(async () => {
    [browser, daemon] = await Promise.all([
      launch(),
      startStoredDaemon({ groups: 600, pictures: 40, syntheticEvery: 4 }),
    ]);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await daemon?.[Symbol.asyncDispose]();
  });

  it.each(LOOKS)('is accessible and quiet, $look', async ({ look, theme, phone }) => {
    await using opened = await open(browser, daemon.url, { theme, phone });
    await opened.goto('questions', '.written');
    await opened.page.locator('.histogram').first().waitFor();
    await opened.screenshot(`questions-${look.replaceAll(' ', '-')}`);
    expect(await opened.violations()).toEqual([]);
    expect(await opened.page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    expect(opened.errors).toEqual([]);
    expect(daemon.failures).toEqual([]);
  });

  it('counts questions by origin and kind, and votes by share', async () => {
    await using opened = await open(browser, daemon.url);
    const { page } = opened;
    await opened.goto('questions', '.histogram');
    const asked = new Map(daemon.run.judged.map(({ group }) => [group.question.id, group.question]));
    const ofOrigin = [...asked.values()].filter(({ origin }) => origin === 'in-context');
    expect(await page.locator('.stat[data-origin="in-context"] dd').first().innerText()).toBe(String(ofOrigin.length));
    expect(await page.locator('.stat dd').first().innerText()).toBe(String(asked.size));
    const kinds = await page.locator('.kinds:not(.rejections) li').count();
    expect(kinds).toBe(new Set([...asked.values()].map(({ kind }) => kind)).size);
    const full = daemon.run.judged.filter(
      ({ group, verdict }) => group.question.origin === 'dataset' && verdict.share >= 0.9,
    ).length;
    expect(await page.locator('.histogram[data-origin="dataset"] .band-count').last().textContent()).toBe(String(full));
    const { diversity } = daemon.store.questionStats();
    expect(await page.locator('.diversity[data-origin="dataset"] dd').first().innerText()).toBe(
      `${(diversity.dataset!.distinct * 100).toFixed(1)} %`,
    );
  });

  it('shows questions of the model with their pictures and parents', async () => {
    await using opened = await open(browser, daemon.url);
    const { page } = opened;
    await opened.goto('questions', '.written');
    const { questions } = daemon.store.syntheticQuestions({ limit: 24 });
    const first = questions[0]!;
    const card = page.locator('.written').first();
    expect(await card.locator('h3').innerText()).toBe(first.question.text);
    expect(await card.innerText()).toContain(`made from ${first.parent!.text}`);
    await expectSoon(() =>
      card.locator('img').evaluate((image) => (image as unknown as { readonly naturalWidth: number }).naturalWidth),
    ).toBeGreaterThan(0);
    await card.locator('h3 a').click();
    await expectSoon(() => page.locator('.question-text').innerText()).toBe(first.question.text);
  });

  it('shows how many pass, why the others do not, and examples of those', async () => {
    await using opened = await open(browser, daemon.url);
    const { page } = opened;
    await opened.goto('questions', '.rejected li');
    const { written, accepted, rejected } = daemon.store.syntheticCounts();
    const numbers = await page.locator('[data-acceptance] .stat dd:nth-of-type(1)').allInnerTexts();
    expect(numbers.slice(0, 2)).toEqual([String(written), String(accepted)]);
    const earned = await page.locator('[data-rewarded] .stat dd:nth-of-type(1)').allInnerTexts();
    expect(earned.map((text) => text.replaceAll(/\s/gu, ''))).toEqual(['0.25', '50%', '88%', '12.5']);
    for (const [reason, n] of Object.entries(rejected)) {
      expect(await page.locator(`.rejections [data-reason="${reason}"] .right`).innerText()).toBe(String(n));
    }
    const newest = daemon.store.rejectedQuestions(1)[0]!;
    expect(await page.locator('.rejected li').first().textContent()).toBe(`${newest.question.text} ${newest.reason}`);
  });

  it('says that there are none while the model wrote none', async () => {
    await using other = await startStoredDaemon({ groups: 40 });
    await using opened = await open(browser, other.url);
    await opened.goto('questions', '.histogram');
    await opened.page.getByText('The model has not written a question yet').waitFor();
    expect(await opened.page.getByText('Acceptance').count()).toBe(0);
    expect(await opened.violations()).toEqual([]);
  });

  it('says what comes before the first question', async () => {
    await using other = await startStoredDaemon({ groups: 0 });
    await using opened = await open(browser, other.url);
    await opened.goto('questions', '.notice');
    await opened.page.getByText('No questions yet').waitFor();
    await opened.goto('rollouts', '.notice');
    await opened.page.getByText('No groups yet').waitFor();
    expect(opened.errors).toEqual([]);
  });
});
