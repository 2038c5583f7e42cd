/** Chinese numerals -> Arabic ones: `十二`, `二〇一五`, `三点五`, `1.5亿`, `一又三分之二`, `百分之五十`. */

const DIGITS = '零一二三四五六七八九';
const POWERS = new Map([
  ['十', 10],
  ['百', 100],
  ['千', 1000],
  ['万', 10_000],
  ['亿', 100_000_000],
]);
/** A numeral in either script. */
export const NUMERAL = String.raw`(?:\d+(?:\.\d+)?[万亿]?|[零一二两三四五六七八九十百千万亿]+(?:点[零一二三四五六七八九]+)?)`;

/** The text with every fraction and percentage in words written in figures. */
export function fractions(text: string): string {
  return text
    .replace(new RegExp(`百分之(${NUMERAL})`, 'g'), (_, n: string) => `${arabic(n)}%`)
    .replace(
      new RegExp(`(?:(${NUMERAL})又)?(${NUMERAL})分之(${NUMERAL})`, 'g'),
      (_, whole: string | undefined, d: string, n: string) => {
        return `${whole === undefined ? '' : arabic(whole)}\\frac{${arabic(n)}}{${arabic(d)}}`;
      },
    );
}

export function arabic(text: string): string {
  const digits = text.replaceAll('两', '二').replaceAll(/[零一二三四五六七八九]/g, (c) => String(DIGITS.indexOf(c)));
  const figures = /^(\d+(?:[.点]\d+)?)([万亿]?)$/.exec(digits);
  if (figures) {
    const value = (figures[1] ?? '').replace('点', '.');
    return figures[2] === ''
      ? value
      : String(Number((Number(value) * (POWERS.get(figures[2] ?? '') ?? 1)).toPrecision(15)));
  }
  const [whole = '', part] = digits.split('点');
  return String(sum(whole)) + (part === undefined ? '' : `.${part}`);
}

/** `3千2百0 5`: each digit times the power after it, sections of 万 and 亿 times theirs. */
function sum(text: string): number {
  let [total, section, digit] = [0, 0, 0];
  for (const char of text) {
    const power = POWERS.get(char);
    if (power === undefined) digit = Number(char);
    else if (power < 10_000) {
      section += (digit || 1) * power;
      digit = 0;
    } else {
      // 亿 takes the 万 before it along: 一万亿.
      total = power > 10_000 ? (total + section + digit || 1) * power : total + (section + digit || 1) * power;
      [section, digit] = [0, 0];
    }
  }
  return total + section + digit;
}
