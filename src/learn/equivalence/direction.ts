/** Words that turn an amount around: `$5 profit` is not `$5 loss`. */
const OPPOSITES: readonly (readonly [RegExp, RegExp])[] = [
  [/\b(?:profit|gain|surplus|won|deposit)\b/i, /\b(?:loss|deficit|lost|withdrawal)\b/i],
  [
    /\b(?:increase[ds]?|rise|rose|up|upwards?|growth|more|above|over)\b/i,
    /\b(?:decrease[ds]?|fall|fell|down|downwards?|decline|less|fewer|below|under)\b/i,
  ],
  [/\b(?:left|leftwards?)\b/i, /\b(?:right|rightwards?)\b/i],
  [/\b(?:north|N)\b/, /\b(?:south|S)\b/],
  [/\b(?:east|E)\b/, /\b(?:west|W)\b/],
  [/\b(?:clockwise)\b/i, /\b(?:counter-?clockwise|anti-?clockwise)\b/i],
  [/\b(?:forwards?|ahead)\b/i, /\b(?:backwards?|behind)\b/i],
];

export function areOpposite(a: string, b: string): boolean {
  if (!/\d/.test(a) || !/\d/.test(b)) return false;
  return OPPOSITES.some(([one, other]) => {
    const says = (text: string): readonly [boolean, boolean] => [one.test(text), other.test(text)];
    const [[x, y], [p, q]] = [says(a), says(b)];
    return x !== y && p !== q && x !== p;
  });
}
