/**
 * Unicode -> ASCII and LaTeX: digits of every script, symbols, Greek, raised and lowered characters. Invisible
 * characters are dropped.
 */

/** Joiners, marks of direction, soft hyphens, variation selectors, byte order marks, control characters. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}]|[^\P{Cc}\s]/gu;
const RAISED = '⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ';
const RAISED_ASCII = '0123456789+-=()ni';
const LOWERED = '₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₙ';
const LOWERED_ASCII = '0123456789+-=()n';
const GREEK = new Map<string, string>(
  Object.entries({
    α: 'alpha',
    β: 'beta',
    γ: 'gamma',
    δ: 'delta',
    ε: 'epsilon',
    ζ: 'zeta',
    η: 'eta',
    θ: 'theta',
    κ: 'kappa',
    λ: 'lambda',
    μ: 'mu',
    ν: 'nu',
    ξ: 'xi',
    π: 'pi',
    ρ: 'rho',
    σ: 'sigma',
    τ: 'tau',
    φ: 'phi',
    χ: 'chi',
    ψ: 'psi',
    ω: 'omega',
    Γ: 'Gamma',
    Δ: 'Delta',
    Θ: 'Theta',
    Λ: 'Lambda',
    Π: 'Pi',
    Σ: 'Sigma',
    Φ: 'Phi',
    Ψ: 'Psi',
    Ω: 'Omega',
  }),
);
/** Characters that NFKC would corrupt or keep. */
const SYMBOLS: readonly (readonly [RegExp, string])[] = [
  [/[−–—‐‑‒﹣➖-]/g, '-'],
  [/[×✕✖]/g, '\\times '],
  [/[÷➗]/g, '\\div '],
  [/[·⋅∙・]/g, '\\cdot '],
  [/[∘˚º]/g, '°'],
  [/∞/g, '\\infty '],
  [/[≤⩽≦]/g, '\\le '],
  [/[≥⩾≧]/g, '\\ge '],
  [/≠/g, '\\ne '],
  [/[≈≃≒]/g, '\\approx '],
  [/[≅≌]/g, '\\cong '],
  [/≡/g, '\\equiv '],
  [/∥/g, '\\parallel '],
  [/⊥/g, '\\perp '],
  [/∪/g, '\\cup '],
  [/∩/g, '\\cap '],
  [/∈/g, '\\in '],
  [/[∅⌀]/g, '\\emptyset '],
  [/±/g, '\\pm '],
  [/∠/g, '\\angle '],
  [/[△∆]|Δ(?=[A-Z]{3}(?![A-Za-z]))/g, '\\triangle '],
  [/[→⟶]/g, '\\rightarrow '],
  [/[⇌⇄]/g, '\\rightleftharpoons '],
  [/[ℝℤℕℚℂ]/g, '\\mathbb{$&}'],
  [/[’‘′]/g, "'"],
  [/[“”″「」『』]/g, '"'],
  [/[∶]/g, ':'],
  [/[∕]/g, '/'],
  [/[∣]/g, '|'],
  [/[⟨〈]/g, '('],
  [/[⟩〉]/g, ')'],
  [/[、،]/g, ', '],
  [/[。।۔]/g, '.'],
  [/؛/g, ';'],
  [/٫/g, '.'],
  [/٬/g, ','],
  [/٪/g, '%'],
  [/(?<=[\d\p{Nd}])\s*Å/gu, ' angstrom'],
  [/(?<=\p{Nd})\s*[~～〜]\s*(?=\p{Nd})/gu, '-'],
  [/([√∛∜])\s*(\p{Nd}+(?:\.\p{Nd}+)?|[A-Za-z])/gu, '$1{$2}'],
  [/√/g, '\\sqrt '],
  [/∛/g, '\\sqrt[3]'],
  [/∜/g, '\\sqrt[4]'],
  [/^\s*[∴∵]/g, ''],
];

export function fromUnicode(raw: string): string {
  if (!/[^ -}]/.test(raw)) return raw;
  let text = raw.replace(INVISIBLE, '').replace(/³√/g, '∛').replace(/⁴√/g, '∜');
  text = text.replace(/[❶-❿➀-➉➊-➓]/g, (c) => String.fromCodePoint(0x2460 + (((c.codePointAt(0) ?? 0) - 0x2776) % 10)));
  text = text.replace(
    /[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ]+/g,
    (run) => `^{${[...run].map((c) => RAISED_ASCII[RAISED.indexOf(c)]).join('')}}`,
  );
  text = text.replace(
    /[₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₙ]+/g,
    (run) => `_{${[...run].map((c) => LOWERED_ASCII[LOWERED.indexOf(c)]).join('')}}`,
  );
  text = text.replace(/[①-⑳]{2,}/g, (run) => [...run].join(', '));
  for (const [pattern, ascii] of SYMBOLS) text = text.replace(pattern, ascii);
  return text
    .replace(/[¼-¾⅐-⅞]/g, ' $&')
    .normalize('NFKC')
    .replaceAll('\u2044', '/')
    .replace(/[^\P{Nd}0-9]/gu, digit)
    .replace(/[\u0391-\u03C9]/g, (c) => (GREEK.has(c) ? `\\${GREEK.get(c)} ` : c))
    .trim();
}

/** Unicode has the digits of a script in a row of ten, and NFKC leaves no two rows side by side. */
function digit(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  let value = 0;
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(code - value - 1))) value++;
  return String(value);
}
