import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JudgedGroup } from '../../../src/protocol/messages.ts';
import { describeInBrowser, launch, LOOKS, open } from './harness.ts';
import { expectSoon, startStoredDaemon, type StoredDaemon } from './stored-daemon.ts';
import { SAMPLES } from './stored-run.ts';

const FIRST = '.group-card';

describeInBrowser('the page Rollouts', () => {
  let browser: Browser;
  let daemon: StoredDaemon;

  beforeAll(async () => {
    [browser, daemon] = await Promise.all([
      launch(),
      startStoredDaemon({ groups: 1200, pictures: 40, syntheticEvery: 5 }),
    ]);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await daemon?.[Symbol.asyncDispose]();
  });

  const newestWhere = (choose: (judged: JudgedGroup) => boolean) => daemon.run.judged.findLast(choose)!;
  const split = () =>
    newestWhere(({ verdict }) => verdict.kept && verdict.classes.includes(-1) && Math.max(...verdict.classes) > 0);

  it.each(LOOKS)('is accessible and quiet, $look', async ({ theme, phone }) => {
    await using opened = await open(browser, daemon.url, { theme, phone });
    const { group } = split();
    for (const [route, ready, name] of [
      ['rollouts', FIRST, 'rollouts'],
      [`rollouts/g/${group.id}`, '.shift', 'group'],
      [`rollouts/q/${encodeURIComponent(group.question.id)}`, '.shift', 'question'],
      ['rollouts?q=no-such-question', '.notice', 'rollouts-empty'],
      ['rollouts/g/nothing', '[role=alert]', 'group-missing'],
    ] as const) {
      await opened.goto(route, ready);
      await opened.screenshot(`${name}-${theme}${phone ? '-phone' : ''}`);
      expect(await opened.violations()).toEqual([]);
      expect(await opened.page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    }
    expect(opened.errors).toEqual([]);
    expect(daemon.failures).toEqual([]);
  });

  it('shows of a group what the store holds: question, version, answers by class, reward, advantage, verdict', async () => {
    await using opened = await open(browser, daemon.url);
    const { group, verdict } = split();
    await opened.goto(`rollouts?version=${group.policyVersion}&verdict=kept`, FIRST);
    const card = opened.page.locator(`[data-group="${group.id}"]`);
    await expectSoon(() => card.locator('h2').innerText()).toBe(group.question.text);
    expect(await card.innerText()).toContain(`version ${group.policyVersion}`);
    expect(await card.locator('.badge').innerText()).toBe('Kept');
    const chips = card.locator('.chip');
    expect(await chips.locator('.chip-answer').allInnerTexts()).toEqual(
      verdict.answers.map((answer) => answer ?? 'no answer'),
    );
    const letters = await chips.locator('.class-mark').allInnerTexts();
    expect(letters.map((letter) => letter === 'A')).toEqual(verdict.classes.map((label) => label === verdict.winner));
    expect(letters.map((letter) => letter === '–')).toEqual(verdict.classes.map((label) => label === -1));
    const advantages = await chips.locator('.chip-reward i').allInnerTexts();
    expect(advantages.map((text) => Number(text.replace('−', '-')))).toEqual(
      verdict.advantages.map((advantage) => Number(advantage.toFixed(2))),
    );
    await expectSoon(() =>
      card.locator('img').evaluate((image) => (image as unknown as { readonly naturalWidth: number }).naturalWidth),
    ).toBeGreaterThan(0);
  });

  it('filters by what the address says, says it in the address, and clears', async () => {
    await using opened = await open(browser, daemon.url);
    const { page } = opened;
    await opened.goto('rollouts', FIRST);
    await page.getByLabel('Verdict').selectOption('all-agree');
    await page.getByLabel('Kind').selectOption('bars/total');
    await page.getByLabel('Search in the question').fill('BLOCKS');
    await expectSoon(() => page.url()).toMatch(/verdict=all-agree.*kind=bars%2Ftotal.*q=BLOCKS/);
    const wanted = daemon.run.judged
      .filter(
        ({ group: { question }, verdict }) =>
          verdict.dropped === 'all-agree' && question.kind === 'bars/total' && /blocks/i.test(question.text),
      )
      .map(({ group }) => group.id)
      .toReversed();
    expect(wanted.length).toBeGreaterThan(3);
    const shown = () =>
      page.locator(FIRST).evaluateAll((cards) => cards.map((card) => card.getAttribute('data-group')));
    await expectSoon(shown).toEqual(wanted.slice(0, 30));
    await page.reload();
    await page.locator(FIRST).first().waitFor();
    expect(await shown()).toEqual(wanted.slice(0, 30));
    await page.getByRole('link', { name: 'Clear' }).click();
    await expectSoon(shown).toContain(daemon.run.judged.at(-1)!.group.id);

    await opened.goto('rollouts?min=40&max=60&origin=in-context', FIRST);
    await expectSoon(async () =>
      (await page.locator('.group-share').allTextContents()).every((text) => / (40|50|60) %$/.test(text)),
    ).toBe(true);
  });

  it('goes back in time by itself when scrolled down', async () => {
    await using opened = await open(browser, daemon.url);
    await opened.goto('rollouts', FIRST);
    const cards = opened.page.locator(FIRST);
    await expectSoon(async () => {
      await opened.page.mouse.wheel(0, 20_000);
      return cards.count();
    }).toBeGreaterThan(80);
    const ids = await cards.evaluateAll((all) => all.map((card) => card.getAttribute('data-group')));
    const newestFirst = daemon.run.judged.map(({ group }) => group.id).toReversed();
    expect(ids).toEqual(newestFirst.slice(newestFirst.indexOf(ids[0]!), newestFirst.indexOf(ids[0]!) + ids.length));
  });

  it('shows new groups as they are judged, and holds them back while paused', async () => {
    await using opened = await open(browser, daemon.url);
    const { page } = opened;
    await opened.goto('rollouts', FIRST);
    const first = () => page.locator(FIRST).first().getAttribute('data-group');
    const next = () => {
      const judged = daemon.run.next();
      daemon.source.announce(judged);
      return judged.group.id;
    };
    const one = next();
    await expectSoon(first).toBe(one);
    await page.getByRole('button', { name: 'Pause' }).click();
    const other = next();
    await page.getByRole('button', { name: '1 new' }).waitFor();
    expect(await first()).toBe(one);
    await page.getByRole('button', { name: 'Go on' }).click();
    await expectSoon(first).toBe(other);
    expect(opened.errors).toEqual([]);
  });

  it('gives the probability of each token on hover and on focus, by keyboard alone', async () => {
    await using opened = await open(browser, daemon.url);
    const { page } = opened;
    const { group } = split();
    await opened.goto(`rollouts/g/${group.id}`, '.token');
    const sample = group.samples[0]!;
    expect(await page.locator('.tokens').allInnerTexts()).toEqual(group.samples.map(({ text }) => text));
    expect(await page.locator('.tokens').count()).toBe(SAMPLES);
    const tooltip = page.getByRole('tooltip');
    const values = async () => (await tooltip.locator('dd').allInnerTexts()).map((text) => text.replace('−', '-'));
    await page.locator('.tokens').first().locator('.token').nth(3).hover();
    await expectSoon(async () => Number((await values())[2])).toBeCloseTo(sample.logprobs[3]!, 3);
    expect(Number((await values())[3])).toBeCloseTo(sample.refLogprobs![3]!, 3);
    expect(Number((await values())[4])).toBeCloseTo(sample.logprobs[3]! - sample.refLogprobs![3]!, 3);
    await page.locator('.tokens').first().locator('.token').first().focus();
    await page.keyboard.press('ArrowRight');
    await expectSoon(async () => Number((await values())[2])).toBeCloseTo(sample.logprobs[1]!, 3);
    await page.keyboard.press('End');
    await expectSoon(async () => Number((await values())[2])).toBeCloseTo(sample.logprobs.at(-1)!, 3);
    await page.keyboard.press('Escape');
    await tooltip.waitFor({ state: 'hidden' });
    await page.getByRole('radio', { name: 'Against the base' }).check({ force: true });
    await page.locator('.tokens .up1, .tokens .down1').first().waitFor();
    expect(opened.errors).toEqual([]);
  });

  it('steps through what one question was answered, version by version', async () => {
    await using opened = await open(browser, daemon.url);
    const { page } = opened;
    const { group } = split();
    const history = daemon.run.judged.filter(
      (one) => one.group.question.id === group.question.id && one.group.sequence < 1200,
    );
    expect(history.length).toBeGreaterThan(4);
    await opened.goto(`rollouts/q/${encodeURIComponent(group.question.id)}`, '.shift');
    expect(await page.locator('.shift-version').allTextContents()).toEqual(
      history.map((one) => `version ${one.group.policyVersion}`),
    );
    const detail = page.locator('.step-detail');
    await page.getByRole('slider').focus();
    await page.keyboard.press('Home');
    await expectSoon(() => detail.innerText()).toContain(`Version ${history[0]!.group.policyVersion}`);
    await page.getByRole('button', { name: 'Later' }).click();
    await expectSoon(() => detail.locator('a').getAttribute('href')).toBe(`#/rollouts/g/${history[1]!.group.id}`);
    await expectSoon(() => page.url()).toContain(`g=${history[1]!.group.id}`);
  });

  it('renders what a model wrote as text only', async () => {
    await using opened = await open(browser, daemon.url);
    const text = '<img src=x onerror=alert(1)><b>bold</b>';
    await opened.goto('rollouts', FIRST);
    daemon.source.announce(daemon.run.next(text));
    await expectSoon(() => opened.page.locator('.group-card h2').first().innerText()).toBe(text);
    expect(await opened.page.locator('.group-card h2 b, .group-card h2 img').count()).toBe(0);
  });

  it('shows what the checks found: lost votes, who took them, and the false step marked in the text', async () => {
    const text = '3+4=7 7+2=8 \\boxed{8}';
    const tokens = [...text].map((character) => character.charCodeAt(0));
    const { group, verdict } = daemon.run.next('What is 3+4+2?', ({ samples, ...rest }) => ({
      ...rest,
      samples: samples.map((sample, i) =>
        i === 0
          ? { ...sample, tokens, logprobs: tokens.map(() => -0.001), refLogprobs: tokens.map(() => -1), text }
          : sample,
      ),
      checks: [
        {
          check: 'sums',
          findings: samples.map((_, i) =>
            i === 0 ? { vote: false, why: 'a sum is wrong', step: '7+2=8' } : { vote: null, why: 'there is no sum' },
          ),
        },
        { check: 'whole', findings: samples.map(() => ({ vote: true })) },
      ],
    }));
    expect(verdict).toMatchObject({ lost: { by: { sums: 1 } } });
    await using opened = await open(browser, daemon.url);
    const { page } = opened;
    await opened.goto('rollouts?q=3%2B4%2B2', FIRST);
    const card = page.locator(`[data-group="${group.id}"]`);
    expect(await card.locator('.chip').first().locator('.class-mark').innerText()).toBe('×');
    expect(await card.innerText()).toContain('Votes lost: sums 1.');
    await opened.goto(`rollouts/g/${group.id}`, '.token');
    const response = page.locator('.response').first();
    expect(await response.locator('.findings li').allInnerTexts()).toEqual([
      'no vote sums: a sum is wrong7+2=8',
      'whole: holds',
    ]);
    expect(await page.locator('.response').nth(1).locator('.findings').innerText()).toContain(
      'sums: abstains, there is no sum',
    );
    const marked = await page.locator('.tokens .false-step').allInnerTexts();
    expect(marked.join('')).toBe('7+2=8');
    expect(await page.locator('.tokens').first().locator('.token').nth(6).getAttribute('aria-label')).toMatch(
      /, in a step that is false$/,
    );
    await opened.screenshot('group-checked');
    expect(await opened.violations()).toEqual([]);
    expect(opened.errors).toEqual([]);
  });
});
