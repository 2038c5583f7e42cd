import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stretches } from '../../../dashboards/client/pages/versions-stretches.ts';
import { describeInBrowser, launch, LOOKS, open } from './harness.ts';
import { expectSoon, startStoredDaemon, type StoredDaemon } from './stored-daemon.ts';

describe('the lineage', () => {
  const straight = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => ({ n: from + i, parent: from + i === 0 ? null : from + i - 1 }));

  it('is one stretch without a roll-back', () => {
    expect(stretches(straight(0, 9), 9)).toEqual([{ start: 0, end: 9, parent: null, alive: 9 }]);
  });

  it('tells what the newest version descends from, through roll-backs of roll-backs', () => {
    const rows = [
      ...straight(0, 9),
      { n: 10, parent: 4 },
      ...straight(11, 14),
      { n: 15, parent: 7 },
      ...straight(16, 20),
    ];
    expect(stretches(rows, 20)).toEqual([
      { start: 0, end: 9, parent: null, alive: 7 },
      { start: 10, end: 14, parent: 4, alive: 9 },
      { start: 15, end: 20, parent: 7, alive: 20 },
    ]);
  });
});

describeInBrowser('the page Versions', () => {
  let browser: Browser;
  let daemon: StoredDaemon;

  beforeAll(async () => {
    [browser, daemon] = await Promise.all([
      launch(),
      startStoredDaemon({ groups: 1200, pictures: 80, rollBackAt: 30 }),
    ]);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await daemon?.[Symbol.asyncDispose]();
  });

  it.each(LOOKS)('is accessible and quiet, $look', async ({ look, theme, phone }) => {
    await using opened = await open(browser, daemon.url, { theme, phone });
    for (const [route, ready, name] of [
      ['versions', '.lineage', 'versions'],
      ['versions/compare?a=0&b=20', '.pair', 'compare'],
    ] as const) {
      await opened.goto(route, ready);
      await opened.screenshot(`${name}-${look.replaceAll(' ', '-')}`);
      expect(await opened.violations()).toEqual([]);
      expect(await opened.page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    }
    expect(opened.errors).toEqual([]);
    expect(daemon.failures).toEqual([]);
  });

  it('lists versions with their metrics, where one was rolled back to, and what can be downloaded', async () => {
    await using opened = await open(browser, daemon.url);
    const { page } = opened;
    await opened.goto('versions', '.versions');
    const { newest, evaluated } = daemon.run;
    expect(newest).toBeGreaterThan(30);
    const row = (n: number) => page.locator(`tr[data-version="${n}"]`);
    const stored = daemon.store.findVersions({ limit: 1, saved: new Set() }).versions[0]!;
    expect(await row(newest).innerText()).toContain(
      stored.metrics!.entropy.toLocaleString('en-US', { maximumSignificantDigits: 3 }),
    );
    expect(await row(30).locator('th').innerText()).toContain('from 15');
    expect(
      await row(newest)
        .getByRole('link', { name: /Download/ })
        .getAttribute('href'),
    ).toBe(`./versions/${newest}.tar`);
    expect(
      await row(31)
        .getByRole('link', { name: /Download/ })
        .count(),
    ).toBe(0);
    await page.getByText('Version 30 continued from version 15').waitFor();

    await page.getByRole('radio', { name: 'Evaluated' }).check({ force: true });
    const shown = () =>
      page
        .locator('tr[data-version]')
        .evaluateAll((rows) => rows.map((one) => Number(one.getAttribute('data-version'))));
    await expectSoon(shown).toEqual(evaluated.toReversed());
    expect(page.url()).toContain('only=evaluated');
    const best = daemon.store.evaluations().at(-1)!;
    expect(await row(best.version).innerText()).toContain(`${(best.greedy! * 100).toFixed(1)} %`);
    await page.getByRole('radio', { name: 'On disk' }).check({ force: true });
    await expectSoon(shown).toEqual([...daemon.run.saved].sort((a, b) => b - a));
  });

  it('compares two versions: which questions flipped right, which wrong', async () => {
    await using opened = await open(browser, daemon.url);
    const { page } = opened;
    await opened.goto('versions', '.compare-picker');
    await page.getByLabel('First version').selectOption('0');
    await page.getByLabel('Second version').selectOption('20');
    await page.getByRole('button', { name: 'Compare', exact: true }).click();
    await expectSoon(() => page.url()).toContain('versions/compare?a=0&b=20');
    const [a, b] = [daemon.store.answers(0)!, daemon.store.answers(20)!];
    const of = (from: boolean, to: boolean) =>
      a.flatMap((one) => {
        const other = b.find(({ question }) => question.id === one.question.id)!;
        return one.right === from && other.right === to ? [{ one, other }] : [];
      });
    const [right, wrong] = [of(false, true), of(true, false)];
    expect(right.length).toBeGreaterThan(0);
    expect(wrong.length).toBeGreaterThan(0);
    const stats = page.locator('.stat dd:not(.note)');
    await expectSoon(() => stats.first().innerText()).toBe(String(right.length));
    expect(await stats.nth(1).innerText()).toBe(String(wrong.length));
    const shown = () =>
      page
        .locator('.pair')
        .evaluateAll((pairs) =>
          pairs.map((pair) => pair.getAttribute('data-question')).sort((a, b) => a!.localeCompare(b!)),
        );
    expect(await shown()).toEqual(right.map(({ one }) => one.question.id).sort());
    const pair = page.locator(`.pair[data-question="${right[0]!.one.question.id}"]`);
    expect(await pair.locator('dd').allInnerTexts()).toEqual([
      expect.stringContaining(right[0]!.one.answer ?? 'no answer'),
      expect.stringContaining(right[0]!.other.answer!),
      right[0]!.one.truth,
    ]);
    await page.getByText('a held-out label, never used for training').waitFor();
    await page.getByRole('radio', { name: /^Flipped wrong/ }).check({ force: true });
    await expectSoon(shown).toEqual(wrong.map(({ one }) => one.question.id).sort());
    expect(opened.errors).toEqual([]);
  });

  it('compares two versions without labels: which answers changed', async () => {
    const answers = daemon.store.answers(0)!.slice(0, 6);
    const save = (n: number, text: (i: number) => string) => {
      daemon.store.saveEvaluation({ version: n, greedy: null, n: 0 });
      const unlabelled = answers.map(({ question }, i) => ({
        question: { ...question, id: `unlabelled-${i}` },
        answer: text(i),
        right: null,
        truth: null,
      }));
      daemon.store.saveAnswers(n, unlabelled);
    };
    save(6, () => '0.5');
    save(7, (i) => (i === 0 ? '1/2' : i < 3 ? '7' : '0.5'));
    await using opened = await open(browser, daemon.url);
    const { page } = opened;
    await opened.goto('versions/compare?a=6&b=7', '.pair');
    expect(await page.locator('.stat dd:not(.note)').allInnerTexts()).toEqual(['2']);
    const shown = () =>
      page.locator('.pair').evaluateAll((pairs) => pairs.map((pair) => pair.getAttribute('data-question')));
    expect(await shown()).toEqual(['unlabelled-1', 'unlabelled-2']);
    expect(await page.locator('.pair').first().locator('dd').allInnerTexts()).toEqual(['0.5', '7']);
    expect(await page.getByText('held-out label').count()).toBe(0);
    expect(await opened.violations()).toEqual([]);
    expect(opened.errors).toEqual([]);
  });

  it('says which versions cannot be compared', async () => {
    await using opened = await open(browser, daemon.url);
    await opened.goto('versions/compare?a=0&b=3', '[role=alert]');
    expect(await opened.page.getByRole('alert').innerText()).toContain('the answers of version 3 are not stored');
  });

  it('rolls back after a question that can be answered no', async () => {
    await using opened = await open(browser, daemon.url);
    const { page } = opened;
    await opened.goto('versions?only=saved', '.versions');
    const to = Math.min(...daemon.run.saved);
    const ask = page.getByRole('button', { name: `Roll back to version ${to}` });
    await ask.click();
    const dialog = page.getByRole('dialog', { name: `Roll back to version ${to}?` });
    await dialog.waitFor();
    expect(await dialog.innerText()).toContain(
      `Learning continues from the weights of version ${to}, as a new version`,
    );
    expect(await opened.violations()).toEqual([]);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    expect(daemon.source.commands).toEqual([]);
    await ask.click();
    await dialog.getByRole('button', { name: `Roll back to ${to}` }).click();
    await dialog.waitFor({ state: 'hidden' });
    expect(daemon.source.commands).toEqual([{ type: 'rollback', version: to }]);
  });
});
