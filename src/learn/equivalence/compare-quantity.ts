/** Equality of numbers and expressions with their units. */
import type { Leaves } from './compare.ts';
import { mentions, numberOf, operation, variables, type Expression } from './expression.ts';
import { rational } from './rational.ts';
import { parseUnit } from './units.ts';
import type { Quantity } from './value.ts';

const HUNDRED = numberOf({ n: 100n, d: 1n });

/** The unit's rule is in units.ts; a percent sign equals both its value (0.5) and its number (50). */
export function sameQuantity(a: Quantity, b: Quantity, leaves: Leaves): boolean {
  // A single letter names an option or a thing; its case does not matter.
  const [x, y] = [a.expression, b.expression];
  if (x.type === 'variable' && y.type === 'variable' && x.name.toLowerCase() === y.name.toLowerCase()) return true;
  if (a.percent !== b.percent) {
    const [percent, plain] = a.percent ? [a, b] : [b, a];
    if (plain.unit && plain.unit.dimension !== '') return false;
    return (
      leaves.same(percent.expression, plain.expression) ||
      leaves.same(operation('/', percent.expression, HUNDRED), plain.expression)
    );
  }
  const [lettered, other] = a.product ? [a, b] : [b, a];
  if (lettered.product && !other.unit && (lettered.unit?.weak || variables(other.expression).length > 0))
    return leaves.same(lettered.product, other.expression);
  const [angle, bare] = a.unit ? [a, b] : [b, a];
  if (
    angle.unit?.dimension === 'angle' &&
    !bare.unit &&
    !mentions(angle.expression, 'pi') &&
    isRadians(bare.expression)
  )
    return leaves.same(inBase(angle), inBase({ ...bare, unit: RADIAN }));
  const stated = a.unit && b.unit && a.unit.dimension !== '' && b.unit.dimension !== '';
  if (!stated) return leaves.same(a.expression, b.expression);
  return meanings(a).some((x) =>
    meanings(b).some((y) => x.unit?.dimension === y.unit?.dimension && leaves.same(inBase(x), inBase(y))),
  );
}

/** `5 pounds` is a mass or money. */
const meanings = (a: Quantity): Quantity[] => (a.unit?.other ? [a, { ...a, unit: a.unit.other }] : [a]);

const RADIAN = parseUnit('rad');

const isRadians = (e: Expression): boolean => mentions(e, 'pi') || (e.type === 'call' && e.name.startsWith('arc'));

/** Angles come out in degrees. */
function inBase({ expression, unit }: Quantity): Expression {
  if (!unit) return expression;
  const scaled = operation('*', expression, numberOf(unit.factor));
  if (!unit.radians) return unit.factor.n === 1n && unit.factor.d === 1n ? expression : scaled;
  const halfTurn = rational(180n);
  return halfTurn
    ? operation('/', operation('*', scaled, numberOf(halfTurn)), { type: 'constant', name: 'pi' })
    : scaled;
}
