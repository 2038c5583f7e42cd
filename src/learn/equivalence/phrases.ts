/** What people say around an answer. */

const POWERS = new Map<string, string>(
  Object.entries({ dozen: '12', thousand: '10^{3}', million: '10^{6}', billion: '10^{9}', trillion: '10^{12}' }),
);

/** What people say around an answer: `the answer is 5`, `about 5`, `5 (approx.)`, `Yes, it is`. */
export function withoutPhrases(text: string): string {
  return text
    .replace(/^(?:(?:so|thus|hence|therefore),?\s+)?(?:the\s+)?(?:final\s+|correct\s+)?answer\s*(?:is|=|:)\s*:?\s*/i, '')
    .replace(/^[a-z][a-z ']{0,60}?\s+(?:is|are|was|were|has|have|had|will be|equals?|is equal to)\s+(?=[-$\d\\(])/i, '')
    .replace(/^(?:an?|the)\s+[a-z]+\s+of\s+(?=[-$\d\\])/i, '')
    .replace(/(?<=\d)\s*(?:\.{3}|\\[lc]?dots)$/, '')
    .replace(/^(?:minus|negative)\s+(?=[\d\\$])/i, '-')
    .replace(/^both\s+(?=\S+\s+and\s)/i, '')
    .replace(/^(?:bar|line|point|figure|graph|curve|group|box)\s+(?=[A-Z]$)/i, '')
    .replace(/^(\d+)\s+(?:in|out of)\s+(\d+)$/i, '$1/$2')
    .replace(/^(\d+)\s*(?:\s+r|R|,?\s*rem(?:ainder)?\.?)\s*(\d+)$/, '$1 remainder $2')
    .replace(/(?<=\b(?:year|month|week|day)s?)[ -]old$/i, '')
    .replace(/^(?:approximately|approx\.?|about|around|roughly)\s+(?=\S)/i, '')
    .replace(/\s*\((?:approx\.?|approximately|rounded)\)$/i, '')
    .replace(/\s+only$/i, '')
    .replace(/^(yes|no|true|false)\s*[,.:;]\s+(?=[A-Za-z]).*$/i, '$1')
    .replace(/^(?:(?:in|at|on|the|year)\s+){1,3}(?=\d)/i, '')
    .replace(/(?<=\d)\s*(dozen|thousand|million|billion|trillion)(?![a-z])/i, (_, name: string) => `\\times ${POWERS.get(name.toLowerCase())}`)
    .replace(/^(\d+)(?:st|nd|rd|th)$/, '$1');
}
