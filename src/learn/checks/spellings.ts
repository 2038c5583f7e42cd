/** How mathematics is spelt in a response, and what each sign, command and word is to the calculator. */

export type TokenKind =
  | 'number'
  /** `+ - * / ^` */
  | 'operator'
  /** `=`, or `≈` where the text says about. */
  | 'relation'
  | 'open'
  | 'close'
  /** What stands before its operand: `\sqrt`, `\sin`, `\frac`. */
  | 'function'
  /** What stands after its operand: `%`, `°`, `!`, `^2`. */
  | 'mark'
  /** A word, a variable, a unit. */
  | 'name'
  /** `\boxed` */
  | 'box'
  /** What an expression may hold and the calculator does not read: `±`, `3:5`. */
  | 'odd'
  /** What ends an expression. */
  | 'break'
  /** The end of a line, which an equation may cross before its sign. */
  | 'line'
  /** What only formats the text. */
  | 'gap';

export type Spelling = readonly [kind: TokenKind, text: string];

const PLUS: Spelling = ['operator', '+'];
const MINUS: Spelling = ['operator', '-'];
const TIMES: Spelling = ['operator', '*'];
const OVER: Spelling = ['operator', '/'];
const EQUAL: Spelling = ['relation', '='];
const ABOUT: Spelling = ['relation', '≈'];
const DEGREE: Spelling = ['mark', '°'];
const PERCENT: Spelling = ['mark', '%'];
const PI: Spelling = ['number', '\\pi'];
const GAP: Spelling = ['gap', ''];
const LINE: Spelling = ['line', ''];
const BREAK: Spelling = ['break', ''];
const ODD: Spelling = ['odd', ''];

const each = (keys: string, spelling: Spelling): [string, Spelling][] => keys.split(' ').map((key) => [key, spelling]);
const same = (keys: string, kind: TokenKind): [string, Spelling][] => keys.split(' ').map((key) => [key, [kind, key]]);

const FUNCTIONS = 'arcsin arccos arctan sqrt cbrt sin cos tan cot sec csc log ln';
const functions = FUNCTIONS.split(' ').map((name): [string, Spelling] => [name, ['function', `\\${name}`]]);

/** By one character. */
export const SIGNS: ReadonlyMap<string, Spelling> = new Map([
  ...each('+ ＋', PLUS),
  ...each('- − ‐ ‑ – ﹣ －', MINUS),
  ...each('* × · ⋅ ∙ ∗', TIMES),
  ...each('/ ÷ ∕ ⁄ ／', OVER),
  ...same('^', 'operator'),
  ...each('= ＝', EQUAL),
  ...each('≈ ≃ ≒', ABOUT),
  ...same('( [ {', 'open'),
  ...same(') ] }', 'close'),
  ...each('% ％', PERCENT),
  ...each('° º', DEGREE),
  ...each('π', PI),
  ...each('√', ['function', '\\sqrt']),
  ...each('± ∓ | ∞ ½ ⅓ ⅔ ¼ ¾ ⅕ ⅛', ODD),
  ...each('~ & $ € £ ¥ ` _ \t \r \u00a0 \u200b', GAP),
  [' ', GAP],
  ['\n', LINE],
  ...[...'⁰¹²³⁴⁵⁶⁷⁸⁹'].map((sign, digit): [string, Spelling] => [sign, ['mark', `^${digit}`]]),
]);

/** By a command's name, without its backslash. */
export const COMMANDS: ReadonlyMap<string, Spelling> = new Map([
  ...each('times cdot ast', TIMES),
  ...each('div', OVER),
  ...each('approx simeq approxeq doteq', ABOUT),
  ...each('frac dfrac tfrac cfrac', ['function', '\\frac']),
  ...functions,
  ...each('pi', PI),
  ...each('degree circ', DEGREE),
  ...each('pm mp infty dots ldots cdots', ODD),
  ...each('boxed fbox', ['box', '']),
  ...each('newline cr', LINE),
  ...each('quad qquad displaystyle textstyle left right big bigg Big Bigg bigl bigr Bigl Bigr', GAP),
  ...each('ne neq le leq leqslant ge geq geqslant lt gt implies iff to rightarrow Rightarrow longrightarrow', BREAK),
  ...each('Longrightarrow therefore because cong equiv sim mid parallel perp', BREAK),
]);

/** By a word. */
export const WORDS: ReadonlyMap<string, Spelling> = new Map([
  ...each('plus', PLUS),
  ...each('minus', MINUS),
  ...each('times', TIMES),
  ...each('equals', EQUAL),
  ...each('percent', PERCENT),
  ...each('degree degrees', DEGREE),
  ...each('pi', PI),
  ['squared', ['mark', '^2']],
  ['cubed', ['mark', '^3']],
  ...functions,
]);

/** A character after a backslash that is no letter. */
export const ESCAPES: ReadonlyMap<string, Spelling> = new Map([
  ...each(', ; : ! ( ) [ ] $', GAP),
  [' ', GAP],
  ['%', PERCENT],
  ['{', ['open', '{']],
  ['}', ['close', '}']],
  ['\\', LINE],
]);
