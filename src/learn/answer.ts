/**
 * Finds the final answer in a response. The last `\boxed{}` wins; without one, the last `<answer>` tag; without either
 * there is no answer.
 */

/** Longest response that is searched, from its end: the answer comes last. */
const MAX_SEARCH_CHARS = 20_000;
const BOX = /\\(?:boxed|fbox)(?![A-Za-z])/g;
const TAG = /<answer\s*>((?:(?!<answer\s*>)[\s\S])*?)<\/answer\s*>/gi;
const THOUGHT_END = '</think>';

/**
 * The text inside the last complete box or, without one, the last `<answer>` tag; trimmed. Null without such an answer, or
 * when it has no content: it is empty, or has only punctuation, dots and blanks, or is a placeholder (`your answer`). A
 * box that is never closed (a truncated response) is not an answer, and neither is the one before it, which was not
 * final.
 */
export function extractAnswer(response: string): string | null {
  const answer = stated(response);
  return answer === null || saysNothing(answer) ? null : answer;
}

function stated(response: string): string | null {
  const text = finalPart(response.slice(-MAX_SEARCH_CHARS));
  const boxed = lastBox(text);
  if (boxed !== undefined) return boxed;
  return [...text.matchAll(TAG)].at(-1)?.[1]?.trim() || null;
}

/** Invisible characters, LaTeX's spaces, dots and blanks, and commands that only wrap or format text. */
const SILENT =
  /[\p{C}\p{Z}\s]|\\(?:[,;:! ~_&%$#]|q?quad|[lcvd]?dots[a-z]?|(?:display|text)style|left|right|q?q?thinspace|hfill|underline|square|Box|blank|(?:text|math)[a-z]*|(?:[hv]space|phantom)\*?\{[^{}]*\})(?![A-Za-z])|<br\s*\/?>|&nbsp;|[|~^`$\u25a0-\u25a3\u25a1\u25a2\u25fb-\u25fe\u2b1a-\u2b1c\u2610]/gu;
/** The empty set is an answer. */
const EMPTY_SET = /\\\{\s*\\\}/;
const PLACEHOLDER =
  /^(?:(?:insert|put|write|enter|type|give|state|place|fillin)?(?:(?:the|your|my|a|an|this)?(?:final|correct|numerical|numeric|exact|short|actual|single)*(?:answer|response|result|solution|value|number|letter|option|choice|expression))(?:goes|is|value|text|letter|choice)?(?:here|below)?|placeholder|todo|tbd|x{2,}|fillin(?:the)?blank|blank)$/i;

/** Punctuation, dots, blanks, or a placeholder that was copied from a prompt. */
function saysNothing(answer: string): boolean {
  if (EMPTY_SET.test(answer)) return false;
  const rest = answer.replace(SILENT, '').replace(/\p{P}/gu, '');
  return rest === '' || PLACEHOLDER.test(rest.replace(/^<(.*)>$/, '$1'));
}

/** The text after the thinking (`<think>...</think>`), if it states an answer; otherwise the whole text. */
function finalPart(text: string): string {
  const end = text.lastIndexOf(THOUGHT_END);
  const rest = end < 0 ? '' : text.slice(end);
  return rest.search(BOX) >= 0 || rest.search(TAG) >= 0 ? rest : text;
}

/** Undefined when there is no box at all, null when the last one is empty or not closed. */
function lastBox(text: string): string | null | undefined {
  const match = outermostLast(text);
  if (match === undefined) return undefined;
  const rest = text.slice(match).trimStart();
  if (rest.startsWith('{')) {
    const end = closingBrace(rest, 0);
    if (end < 0) return null;
    const inner = rest.slice(1, end).trim();
    return (innerBox(inner) ?? inner) || null;
  }
  const token = /^[^\s$<>{}]+/.exec(rest)?.[0];
  if (!token) return null;
  return token.startsWith('\\')
    ? rest.slice(0, groupsEnd(rest, token.length))
    : token.replace(/(?<=.)[.,;]$/, '') || null;
}

/** Where the groups after a command end: `\boxed\frac{1}{2}`. */
function groupsEnd(text: string, start: number): number {
  let end = start;
  for (let group = 0; group < MAX_GROUPS && text[end] === '{'; group++) {
    const close = closingBrace(text, end);
    if (close < 0) break;
    end = close + 1;
  }
  return end;
}

const MAX_GROUPS = 4;

/** Boxes looked at, from the last. */
const MAX_BOXES = 64;

/** Offset just after the name of the last box that is not inside another box. */
function outermostLast(text: string): number | undefined {
  let last: number | undefined;
  let insideUntil = -1;
  for (const match of [...text.matchAll(BOX)].slice(-MAX_BOXES)) {
    if (match.index < insideUntil) continue;
    last = match.index + match[0].length;
    const brace = last + (/^\s*/.exec(text.slice(last, last + 16))?.[0].length ?? 0);
    const end = text[brace] === '{' ? closingBrace(text, brace) : -1;
    if (end >= 0) insideUntil = end;
  }
  return last;
}

/** `\boxed{\fbox{5}}`: the inner content, when the whole content is another box. */
function innerBox(text: string): string | undefined {
  const match = /^\\(?:boxed|fbox)\s*(?=\{)/.exec(text);
  if (!match || closingBrace(text, match[0].length) !== text.length - 1) return undefined;
  const inner = text.slice(match[0].length + 1, -1).trim();
  return innerBox(inner) ?? inner;
}

/** Index of the brace that closes the one at `open`, or -1. Escaped braces (`\{`) do not count. */
export function closingBrace(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    const char = text[i];
    if (char === '\\') i++;
    else if (char === '{') depth++;
    else if (char === '}' && --depth === 0) return i;
  }
  return -1;
}
