/**
 * Answers in prose, as vision-language models write them about figures of geometry, charts and word problems, with what
 * the checks `equations` and `whole` are to find of each: true, false, or null where they abstain.
 */
export interface ProseCase {
  readonly response: string;
  readonly equations: boolean | null;
  readonly whole: boolean | null;
}

const answer = (equations: boolean | null, whole: boolean | null, ...lines: string[]): ProseCase => ({
  response: lines.join('\n'),
  equations,
  whole,
});

export const PROSE: readonly ProseCase[] = [
  // Angles.
  answer(
    true,
    true,
    'To find the measure of angle $C$, we use the fact that the sum of the angles in a triangle is $180^\\circ$.',
    '',
    '\\[',
    '\\angle A + \\angle B + \\angle C = 180^\\circ',
    '\\]',
    '',
    'Given that $\\angle A = 50^\\circ$ and $\\angle B = 60^\\circ$, we have:',
    '',
    '\\[',
    '\\angle C = 180^\\circ - 50^\\circ - 60^\\circ = 70^\\circ',
    '\\]',
    '',
    'Therefore, the measure of angle $C$ is $\\boxed{70^\\circ}$.',
  ),
  answer(
    false,
    true,
    'The angles of a triangle add up to 180°. So the third angle is 180° − 50° − 60° = 80°.',
    '',
    '\\boxed{80}',
  ),
  answer(
    true,
    true,
    'Since the two angles are vertical angles, they are equal: $3x + 10 = 5x - 20$.',
    'Subtract $3x$ from both sides: $10 = 2x - 20$. Add 20: $2x = 30$, so $x = \\frac{30}{2} = 15$.',
    '\\boxed{15}',
  ),
  answer(
    null,
    null,
    'Angle 1 = 50° because it is alternate to the given angle, and angle 2 is the same by symmetry.',
    '\\boxed{50^\\circ}',
  ),
  answer(
    true,
    true,
    'The inscribed angle is half of the central angle. The central angle $\\angle AOB = 120^\\circ$, so $\\angle ACB = \\frac{1}{2} \\times 120^\\circ = 60^\\circ$.',
    '\\boxed{60}',
  ),
  answer(
    true,
    true,
    '**Step 1:** The exterior angle equals the sum of the two remote interior angles.',
    '**Step 2:** m∠ACD = m∠A + m∠B = 47° + 68° = 115°',
    '**Answer:** \\boxed{115°}',
  ),
  answer(
    true,
    true,
    'Sum of interior angles of a hexagon: (6 - 2) × 180° = 4 × 180° = 720°. The others add to 600°, so the missing one is 720° - 600° = 120°.',
    '\\boxed{120}',
  ),
  // Lengths.
  answer(
    true,
    true,
    'Using the Pythagorean theorem:',
    '$$c^2 = a^2 + b^2 = 3^2 + 4^2 = 9 + 16 = 25$$',
    '$$c = \\sqrt{25} = 5$$',
    'The hypotenuse is \\boxed{5} cm.',
  ),
  answer(
    false,
    true,
    'By the Pythagorean theorem, $c = \\sqrt{6^2 + 8^2} = \\sqrt{36 + 64} = \\sqrt{90} \\approx 9.49$.',
    'So the length is about 9.5. \\boxed{9.5}',
  ),
  answer(
    true,
    true,
    'We know that $AB = 12$ and $M$ is the midpoint, so $AM = \\dfrac{AB}{2} = \\dfrac{12}{2} = 6$.',
    '\\[ \\boxed{6} \\]',
  ),
  answer(
    true,
    true,
    'The triangles are similar, so the sides are in proportion:',
    '\\[ \\frac{x}{6} = \\frac{10}{4} \\]',
    'Cross-multiplying gives $4x = 60$, and $x = \\frac{60}{4} = 15$.',
    'The answer is \\boxed{15}.',
  ),
  answer(
    true,
    true,
    'In the right triangle, $\\sin(30^\\circ) = \\frac{\\text{opposite}}{\\text{hypotenuse}}$, so the opposite side is $10 \\times \\sin(30^\\circ) = 10 \\times 0.5 = 5$.',
    '\\boxed{5}',
  ),
  answer(
    true,
    true,
    'tan 35° = h / 20, so h = 20 × tan 35° ≈ 20 × 0.7002 = 14.004 ≈ 14.0 m.',
    '\\boxed{14.0 \\text{ m}}',
  ),
  answer(
    true,
    true,
    'The perimeter of the rectangle is P = 2(l + w) = 2(5 + 3) = 2 × 8 = 16 cm.',
    '',
    'So the perimeter is \\boxed{16 \\text{ cm}}',
  ),
  answer(
    false,
    true,
    'The perimeter of the rectangle is $P = 2(l + w) = 2(5 + 3) = 2 \\times 8 = 18$ cm.',
    '\\boxed{18}',
  ),
  answer(
    true,
    null,
    'First, the area would be 5 × 3 = 15 cm², but we need the perimeter: 5 + 3 + 5 + 3 = 16 cm.',
    '\\boxed{16}',
  ),
  answer(true, true, 'The missing side is 12 cm - 5 cm = 7 cm. The area is 7 cm × 4 cm = 28 cm^2.', '\\boxed{28}'),
  // Circles and areas.
  answer(
    true,
    true,
    'The area of a circle is $A = \\pi r^2$. With $r = 5$ cm:',
    '\\[ A = \\pi (5)^2 = 25\\pi \\approx 78.54 \\text{ cm}^2 \\]',
    '\\boxed{25\\pi}',
  ),
  answer(true, true, 'Circumference: C = 2πr = 2 × 3.14 × 7 = 43.96 cm. \\boxed{43.96}'),
  answer(
    true,
    true,
    'The shaded area is the square minus the circle: $A = 10^2 - \\pi \\cdot 5^2 = 100 - 25\\pi \\approx 21.46$.',
    '\\boxed{100 - 25\\pi}',
  ),
  answer(
    true,
    true,
    'Area = ½ × base × height = \\frac{1}{2} \\times 6 \\text{ cm} \\times 8 \\text{ cm} = 24 \\text{ cm}^2.',
    '\\boxed{24\\text{ cm}^2}',
  ),
  answer(
    true,
    null,
    'Split the figure in two. Rectangle A: 3 × 4 = 12. Rectangle B: 2 × 5 = 10. Together they make 22 square units.',
    '\\boxed{22}',
  ),
  answer(true, false, 'Split the figure in two. Rectangle A: 3 × 4 = 12. Rectangle B: 2 × 5 = 10.', '\\boxed{24}'),
  answer(
    true,
    true,
    '\\begin{align*}',
    'V &= l \\times w \\times h \\\\',
    '&= 4 \\times 3 \\times 2 \\\\',
    '&= 24',
    '\\end{align*}',
    'The volume is \\boxed{24}.',
  ),
  answer(
    false,
    true,
    '\\begin{aligned} V &= 4 \\times 3 \\times 2 \\\\ &= 26 \\end{aligned}',
    'The volume is \\boxed{26}.',
  ),
  // Charts.
  answer(
    true,
    true,
    'From the bar chart, sales were 35 in 2019 and 50 in 2020. The increase is 50 - 35 = 15.',
    '\\boxed{15}',
  ),
  answer(true, true, 'The percentage of students who walk is 12/40 = 0.3, and 0.3 × 100 = 30%.', '\\boxed{30\\%}'),
  answer(true, true, 'The fraction is $\\frac{12}{40} = \\frac{3}{10} = 30\\%$. \\boxed{30\\%}'),
  answer(
    true,
    true,
    'Add all the values: 1,200 + 3,450 + 980 = 5,630. The mean is 5,630 / 3 ≈ 1,876.67.',
    '\\boxed{1876.67}',
  ),
  answer(
    false,
    true,
    'Add all the values: 1,200 + 3,450 + 980 = 5,730. The mean is 5,730 / 3 = 1,910.',
    '\\boxed{1910}',
  ),
  answer(
    null,
    null,
    'Looking at the pie chart, the largest slice is labelled "Sports", so most students chose it.',
    '\\boxed{B}',
  ),
  answer(true, null, 'Shop A costs 3 × $4 = $12 and shop B costs 2 × $5 = $10. Shop B is cheaper.', '\\boxed{B}'),
  answer(true, true, 'The price falls by 20% of 50 = 10 dollars, so it is 50 - 10 = 40 dollars. \\boxed{\\$40}'),
  // Counting.
  answer(true, true, 'There are 3 large discs and 4 small discs, so 3 plus 4 equals 7 discs in total.', '\\boxed{7}'),
  answer(true, true, '1. Red balls: 5\n2. Blue balls: 8\n\n5 + 8 = 13\n\n\\boxed{13}'),
  answer(
    true,
    null,
    'The digits are 3, 8 and 1. Adding the first two: 3 + 8 = 11. The answer is three less the one left over, so',
    '\\boxed{3}',
  ),
  answer(true, null, 'x = 7. Check: 7 + 5 = 12 ✓', '\\boxed{7}'),
  answer(null, null, 'The clock shows 3:45. Two hours later it is 5:45.', '\\boxed{5:45}'),
  answer(
    true,
    true,
    "The short hand is at 9, so it is 9 o'clock. After 5 hours: 9 + 5 = 14, and 14 − 12 = 2.",
    '\\boxed{2}',
  ),
  answer(true, true, 'It takes 90 / 60 = 1.5 hours, which is 1 hour 30 minutes. \\boxed{90 \\text{ min}}'),
  answer(true, true, '60 km/h × 2.5 h = 150 km, so the car drives 150 km.', '\\boxed{150 \\text{ km}}'),
  // Algebra and probability.
  answer(null, null, 'The slope is $m = \\frac{y_2 - y_1}{x_2 - x_1}$, read off the graph as 2.', '\\boxed{2}'),
  answer(
    true,
    true,
    'The slope is $m = \\frac{y_2 - y_1}{x_2 - x_1} = \\frac{7 - 3}{4 - 2} = \\frac{4}{2} = 2$.',
    '\\boxed{2}',
  ),
  answer(true, true, 'P(red) = 3/(3 + 5) = 3/8 = 0.375. \\boxed{\\frac{3}{8}}'),
  answer(null, null, 'Let x be the width. Then 2x + 2(x + 3) = 26, so 4x + 6 = 26, 4x = 20 and x = 5.', '\\boxed{5}'),
  answer(true, true, 'f(2) = 2(2)^2 - 3(2) + 1 = 8 - 6 + 1 = 3.', '\\boxed{3}'),
  answer(true, null, 'Is 3 + 4 = 8? No: 3 + 4 = 7. So the statement is false. \\boxed{\\text{No}}'),
  answer(true, true, '<think>Maybe 3 + 5 = 9. No, that is wrong.</think>The two sides add to 3 + 5 = 8.', '\\boxed{8}'),
  answer(false, true, 'There are 4 rows of 6 tiles. 4 × 6 = 26 tiles, and 2 are broken, leaving 24. \\boxed{24}'),
  answer(true, false, 'The sides are 5 and 7 and their sum is 5 + 7 = 12. \\boxed{42}'),
];
