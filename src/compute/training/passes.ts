/**
 * Splits groups into passes, each one run of a program, for the learner and the scorer: by a number of groups or by a
 * budget of tokens, with few shapes and little padding.
 */
import type { EncodedPrompt } from '../models/family.ts';
import { bucket } from '../programs/batch.ts';

interface Group<R> {
  readonly prompt: EncodedPrompt;
  readonly responses: readonly R[];
}

/** The bound of one pass; `tokens` takes precedence. Neither: one pass of any size. */
export interface PassLimit {
  readonly groups?: number | undefined;
  /** Tokens of a pass with padding: each prompt once, and its responses. */
  readonly tokens?: number | undefined;
}

export interface Pass<R> {
  /** All of the same number of responses. */
  readonly groups: readonly Group<R>[];
  /** For each of the first groups, the index of its source and the first of the source's responses in it; the other groups only fill the program. */
  readonly members: readonly Member[];
  /** Padded. */
  readonly promptLength: number;
  readonly responseLength: number;
}

interface Member {
  readonly at: number;
  readonly from: number;
}

/** Coarser than the usual bucket, because every length adds a program to memory. */
const LENGTH_BUCKET = 16;

/** Returns the padded tokens of a pass. */
export function tokensOf({ groups, promptLength, responseLength }: Omit<Pass<unknown>, 'members'>): number {
  return groups.length * (promptLength + groups[0]!.responses.length * responseLength);
}

/** Returns the size of the largest pass of a mini-batch whose prompts and responses have these lengths, padded. */
export function largestPass(
  { pass, groups, samples }: { readonly pass: PassLimit; readonly groups: number; readonly samples: number },
  prompt: EncodedPrompt,
  responseTokens: number,
): { readonly groups: number; readonly samples: number; readonly responseLength: number; readonly tokens: number } {
  const group = { prompt, responses: Array.from({ length: samples }, () => responseTokens) };
  const count = Math.min(groups, pass.tokens === undefined ? (pass.groups ?? groups) : groups);
  const passes = inPasses(
    Array.from({ length: count }, () => group),
    pass,
    (length) => length,
    0,
  );
  const first = passes[0]!;
  const { groups: taken, responseLength } = first;
  return { groups: taken.length, samples: taken[0]!.responses.length, responseLength, tokens: tokensOf(first) };
}

/** Whether a pass can be split further. */
export function isSplittable({ groups }: Pick<Pass<unknown>, 'groups'>): boolean {
  return groups.length > 1 || groups[0]!.responses.length > 1;
}

/** @param none a response without a token, which fills a pass up. */
export function inPasses<R>(
  groups: readonly Group<R>[],
  limit: PassLimit,
  lengthOf: (response: R) => number,
  none: R,
): Pass<R>[] {
  if (limit.tokens === undefined) return byGroups(groups, limit.groups ?? groups.length, lengthOf, none);
  return byTokens(groups, limit.tokens, lengthOf, none);
}

/**
 * At most `size` groups a pass. Responses are padded to the longest of their pass, so groups of similar length share a
 * pass. Groups whose responses are `none` fill up the last pass, so that one program serves passes of all sizes.
 */
function byGroups<R>(groups: readonly Group<R>[], size: number, lengthOf: (response: R) => number, none: R): Pass<R>[] {
  const longest = groups.map(({ responses }) => Math.max(...responses.map(lengthOf)));
  const order = groups.map((_, at) => at).toSorted((a, b) => longest[a]! - longest[b]!);
  return Array.from({ length: Math.ceil(order.length / size) }, (_, pass) => {
    const members = order.slice(pass * size, (pass + 1) * size).map((at) => ({ at, from: 0 }));
    const own = members.map(({ at }) => groups[at]!);
    const { prompt, responses } = own[0]!;
    const empty = { prompt, responses: responses.map(() => none) };
    return padded([...own, ...Array.from({ length: size - own.length }, () => empty)], members, lengthOf);
  });
}

/** A group, or some of its responses. */
interface Piece<R> extends Member {
  readonly group: Group<R>;
  readonly promptLength: number;
  readonly responseLength: number;
}

/**
 * As many groups a pass as fit the budget, the shortest padding first; a group that exceeds it alone is split by its
 * responses, and one response is always taken. The number of groups is a power of two, so that no pass needs filling
 * and few programs serve all.
 */
function byTokens<R>(
  groups: readonly Group<R>[],
  tokens: number,
  lengthOf: (response: R) => number,
  none: R,
): Pass<R>[] {
  const left = groups
    .flatMap((group, at) => pieces(group, at, tokens, lengthOf, none))
    .toSorted(
      (a, b) =>
        b.group.responses.length - a.group.responses.length ||
        a.responseLength - b.responseLength ||
        a.promptLength - b.promptLength,
    );
  const passes: Pass<R>[] = [];
  for (let start = 0; start < left.length;) {
    let taken = passOf(left.slice(start, start + 1), lengthOf);
    for (let count = 2; start + count <= left.length; count *= 2) {
      const more = passOf(left.slice(start, start + count), lengthOf);
      const [first, last] = [more.groups[0]!, more.groups.at(-1)!];
      if (first.responses.length !== last.responses.length || tokensOf(more) > tokens) break;
      taken = more;
    }
    passes.push(taken);
    start += taken.groups.length;
  }
  return passes;
}

function pieces<R>(
  group: Group<R>,
  at: number,
  tokens: number,
  lengthOf: (response: R) => number,
  none: R,
): Piece<R>[] {
  const { prompt, responses } = group;
  const { promptLength, responseLength } = padded([group], [], lengthOf);
  const most = Math.max(1, Math.floor((tokens - promptLength) / responseLength));
  const size = Math.ceil(responses.length / Math.ceil(responses.length / most));
  return Array.from({ length: Math.ceil(responses.length / size) }, (_, i) => {
    const own = responses.slice(i * size, (i + 1) * size);
    const whole = { prompt, responses: [...own, ...Array.from({ length: size - own.length }, () => none)] };
    return { at, from: i * size, group: whole, ...lengths([whole], lengthOf) };
  });
}

function passOf<R>(taken: readonly Piece<R>[], lengthOf: (response: R) => number): Pass<R> {
  return padded(
    taken.map(({ group }) => group),
    taken.map(({ at, from }) => ({ at, from })),
    lengthOf,
  );
}

function padded<R>(
  groups: readonly Group<R>[],
  members: readonly Member[],
  lengthOf: (response: R) => number,
): Pass<R> {
  return { groups, members, ...lengths(groups, lengthOf) };
}

function lengths<R>(groups: readonly Group<R>[], lengthOf: (response: R) => number) {
  return {
    promptLength: bucket(Math.max(...groups.map(({ prompt }) => prompt.ids.length)), LENGTH_BUCKET),
    responseLength: bucket(Math.max(...groups.flatMap(({ responses }) => responses.map(lengthOf))), LENGTH_BUCKET),
  };
}
