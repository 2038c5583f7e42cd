/** What a page can ask for, out of a real store. */
import { expect, test } from 'vitest';
import { Browser, openDesk } from './support/browser.ts';
import { group, question, verdict } from '../../store/messages.ts';

async function open() {
  const desk = await openDesk();
  return { ...desk, browser: await Browser.open(desk.dashboard) };
}

test('groups come newest first, a page at a time', async () => {
  const { daemon, browser } = await open();
  for (let i = 0; i < 5; i++) daemon.judge(i, i % 2 === 0);
  const first = await browser.ask('groups', { filter: {}, limit: 3 });
  expect(first.groups.map(({ sequence }) => sequence)).toEqual([4, 3, 2]);
  const rest = await browser.ask('groups', { filter: {}, limit: 3, before: first.next! });
  expect(rest.groups.map(({ sequence }) => sequence)).toEqual([1, 0]);
  expect(rest.next).toBeNull();
  const dropped = await browser.ask('groups', { filter: { verdict: 'all-agree' }, limit: 10 });
  expect(dropped.groups.map(({ sequence, dropped: why }) => [sequence, why])).toEqual([
    [3, 'all-agree'],
    [1, 'all-agree'],
  ]);
});

test('a group has every token, with its text and both log-probabilities', async () => {
  const { daemon, browser } = await open();
  daemon.judge(0);
  daemon.learn(1, [0]);
  const detail = await browser.ask('group', { id: 'g0' });
  const { samples } = group(0);
  expect(detail).toMatchObject({
    id: 'g0',
    learntBy: 1,
    version: 0,
    kept: true,
    dropped: null,
    classes: verdict(0).classes,
  });
  expect(detail.question).toEqual({
    id: 'q0',
    text: question('q0').text,
    origin: 'dataset',
    kind: 'count',
    parentId: null,
    pictures: 1,
  });
  expect(detail.samples.map(({ text, finish }) => ({ text, finish }))).toEqual(
    samples.map(({ text, finish }) => ({ text, finish })),
  );
  detail.samples.forEach(({ tokens }, i) => {
    expect(tokens.map(({ text }) => text)).toEqual(samples[i]!.tokens.map((token) => `<${token}>`));
    tokens.forEach(({ logprob, refLogprob }, t) => {
      expect(logprob).toBeCloseTo(samples[i]!.logprobs[t]!, 5);
      expect(refLogprob).toBeCloseTo(samples[i]!.refLogprobs![t]!, 5);
    });
  });
});

test('a question has its groups, oldest first, and its parent', async () => {
  const { daemon, browser } = await open();
  for (let i = 0; i < 25; i++) daemon.judge(i);
  const child = { ...question('child'), origin: 'direct' as const, parentId: 'q4' };
  daemon.stored.admit([{ sequence: 25, question: child }]);
  const { question: card, parent, groups } = await browser.ask('question', { id: 'q4', limit: 200 });
  expect([card.id, parent, groups.map(({ sequence }) => sequence)]).toEqual(['q4', null, [4, 14, 24]]);
  const made = await browser.ask('question', { id: 'child', limit: 200 });
  expect([made.question.origin, made.parent?.id, made.groups]).toEqual(['direct', 'q4', []]);
  const { questions } = await browser.ask('synthetic', { limit: 10 });
  expect(questions).toMatchObject([
    { question: { id: 'child', parentId: 'q4' }, parent: { id: 'q4' }, groups: 0, meanShare: null },
  ]);
});

test('questions that did not pass come newest first, with the reason', async () => {
  const { daemon, browser } = await open();
  const written = (id: string, reason: string) => ({
    question: { ...question(id), origin: 'direct' as const },
    reason,
  });
  daemon.stored.changePool({
    rejected: [written('one', 'malformed'), written('two', 'duplicate'), written('three', 'share-floor')],
  });
  const { questions } = await browser.ask('rejected', { limit: 2 });
  expect(questions.map(({ question: { id, origin }, reason }) => [id, origin, reason])).toEqual([
    ['three', 'direct', 'share-floor'],
    ['two', 'direct', 'duplicate'],
  ]);
  await expect(browser.ask('rejected', { limit: 2, before: 1 } as never)).rejects.toThrow('closed'); // it has no pages
});

test('two versions are compared on the questions that both were asked, flips first', async () => {
  const { daemon, browser } = await open();
  const answer = (id: string, text: string | null) => ({
    question: question(id),
    answer: text,
    right: text === '1',
    truth: '1',
  });
  daemon.stored.saveAnswers(0, [answer('h1', '1'), answer('h2', '2'), answer('h3', null)]);
  daemon.stored.saveAnswers(5, [answer('h1', '1'), answer('h2', '1'), answer('h4', '1')]);
  const { questions } = await browser.ask('compare', { a: 0, b: 5 });
  expect(questions.map(({ question: { id }, a, b, truth }) => [id, a, b, truth])).toEqual([
    ['h2', { answer: '2', right: false }, { answer: '1', right: true }, '1'],
    ['h1', { answer: '1', right: true }, { answer: '1', right: true }, '1'],
  ]);
  await expect(browser.ask('compare', { a: 0, b: 6 })).rejects.toThrow(
    'the answers of version 6 are not stored: choose a version that was evaluated',
  );
});

test('versions say which are on disk', async () => {
  const { daemon, browser } = await open();
  daemon.judge(0);
  daemon.judge(1);
  daemon.learn(1, [0]);
  daemon.learn(2, [1]);
  daemon.versionFolders.set(1, daemon.folder);
  const { versions } = await browser.ask('versions', { limit: 10 });
  expect(versions.map(({ n, parent, saved }) => [n, parent, saved])).toEqual([
    [2, 1, false],
    [1, 0, true],
  ]);
  expect((await browser.ask('versions', { limit: 10, only: 'saved' })).versions.map(({ n }) => n)).toEqual([1]);
});

test('history has aligned columns over the steps', async () => {
  const { daemon, browser } = await open();
  for (let n = 1; n <= 4; n++) {
    daemon.judge(n - 1);
    daemon.learn(n, [n - 1]);
  }
  const history = await browser.ask('history', { maxPoints: 5000 });
  expect(history.steps).toEqual([1, 2, 3, 4]);
  expect(history.columns['kl']).toEqual([0.01, 0.02, 0.03, 0.04]);
  expect((await browser.ask('history', { from: 2, to: 3, maxPoints: 5000 })).steps).toEqual([2, 3]);
});

test('events come newest first, by kind where asked', async () => {
  const { daemon, browser } = await open();
  for (const text of ['a', 'b']) daemon.stored.event('note', { text });
  daemon.stored.event('command', { author: 'me' });
  expect((await browser.ask('events', { limit: 2 })).events.map(({ type }) => type)).toEqual(['command', 'note']);
  expect((await browser.ask('events', { limit: 9, kind: 'note' })).events.map(({ data }) => data)).toEqual([
    { text: 'b' },
    { text: 'a' },
  ]);
});

test("actors and settings are the daemon's", async () => {
  const { daemon, browser } = await open();
  expect(await browser.ask('actors', {})).toEqual(daemon.actors());
  expect(await browser.ask('settings', {})).toEqual(daemon.settings());
});

test.each([
  ['group', { id: 'g9' }, 'group g9 is not stored'],
  ['question', { id: 'nobody', limit: 1 }, 'question nobody is not stored'],
] as const)('%s: what is not there is said in words', async (method, params, words) => {
  const { browser, errors } = await open();
  await expect(browser.ask(method, params)).rejects.toThrow(words);
  expect(errors).toEqual([]);
});
