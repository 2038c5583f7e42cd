/** Unicode -> ASCII and LaTeX: symbols, scripts, Greek. */

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻';
const SUBSCRIPTS = '₀₁₂₃₄₅₆₇₈₉';
const GREEK = new Map<string, string>(
  Object.entries({
    π: 'pi',
    α: 'alpha',
    β: 'beta',
    γ: 'gamma',
    δ: 'delta',
    θ: 'theta',
    λ: 'lambda',
    μ: 'mu',
    ρ: 'rho',
    σ: 'sigma',
    φ: 'phi',
    ω: 'omega',
    Δ: 'Delta',
    Ω: 'Omega',
    Σ: 'Sigma',
    τ: 'tau',
    ε: 'epsilon',
  }),
);
const UNICODE: readonly (readonly [RegExp, string])[] = [
  [/[−–—‐‑‒﹣-]/g, '-'],
  [/[×✕]/g, '\\times '],
  [/÷/g, '\\div '],
  [/[·⋅∙]/g, '\\cdot '],
  [/[∘˚º]/g, '°'],
  [/∞/g, '\\infty '],
  [/[≤⩽]/g, '\\le '],
  [/[≥⩾]/g, '\\ge '],
  [/≠/g, '\\ne '],
  [/[≈≃]/g, '\\approx '],
  [/≅/g, '\\cong '],
  [/∥/g, '\\parallel '],
  [/⊥/g, '\\perp '],
  [/∪/g, '\\cup '],
  [/∩/g, '\\cap '],
  [/∈/g, '\\in '],
  [/∅/g, '\\emptyset '],
  [/±/g, '\\pm '],
  [/∠/g, '\\angle '],
  [/△/g, '\\triangle '],
  [/²/g, '^{2}'],
  [/[’‘′]/g, "'"],
  [/[“”″]/g, '"'],
  [/√\s*(\d+(?:\.\d+)?|[A-Za-z])/g, '\\sqrt{$1}'],
  [/√/g, '\\sqrt '],
];

export function fromUnicode(raw: string): string {
  let text = raw;
  if (/[^ -~]/.test(text)) {
    text = text.replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+/g, (run) => `^{${[...run].map((c) => '0123456789+-'[SUPERSCRIPTS.indexOf(c)]).join('')}}`);
    text = text.replace(/[①-⑳]{2,}/g, (run) => [...run].join(','));
    text = text.replace(/[₀-₉]+/g, (run) => `_{${[...run].map((c) => SUBSCRIPTS.indexOf(c)).join('')}}`);
    for (const [pattern, ascii] of UNICODE) text = text.replace(pattern, ascii);
    text = text.replace(/[παβγδθλμρσφωΔΩΣτε]/g, (c) => `\\${GREEK.get(c)} `);
    text = text
      .replace(/[¼-¾⅐-⅞]/g, ' $&')
      .normalize('NFKC')
      .replaceAll('\u2044', '/')
      .trim();
  }
  return text;
}
