import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { choiceLabels } from '../../src/data/choice-labels.ts';
import { readChoices, withChoices } from '../../src/data/choices.ts';

const row = (id: string, choices: string[], answer: string) => ({
  id,
  choices,
  answer,
  isNumber: false,
  where: 'file: row 1',
});

describe('readChoices', () => {
  it('reads a list, a struct and a text alike', () => {
    expect(readChoices(['3', 4])).toEqual(['3', '4']);
    expect(readChoices({ A: '3', B: '4', C: null })).toEqual(['3', '4']);
    expect(readChoices('A. 3; B. 4')).toEqual(['3', '4']);
    expect(readChoices('(A) 3.5 m\n(B) about C. Then 2')).toEqual(['3.5 m', 'about C. Then 2']);
    expect(readChoices('A. 3.5 B. 4 C. 5')).toEqual(['3.5', '4', '5']);
    expect([null, undefined, '', []].map(readChoices)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('reads back what it would print, when no choice looks like a mark', () => {
    const choice = fc.stringMatching(/^[a-z0-9 .%]{0,8}[a-z0-9%]$/).map((text) => text.trim());
    fc.assert(
      fc.property(fc.array(choice, { minLength: 2, maxLength: 26 }), (choices) => {
        const [, printed] = withChoices('q', choices).split('Choices:\n');
        expect(readChoices(printed)).toEqual(choices);
      }),
    );
  });

  it.each([['one'], [['only']], [['a', '']], [['a', {}]]])('refuses %j', (value) => {
    expect(() => readChoices(value)).toThrow(/is no list of 2 to 26 choices/);
  });
});

describe('choiceLabels', () => {
  it('takes letters as letters only where all answers of the set are', () => {
    const { labels: letters } = choiceLabels([row('1', ['B', 'C', 'A'], 'A'), row('2', ['x', 'y'], '(b)')]);
    expect([letters.label('1'), letters.label('2')]).toEqual(['A', 'B']);
    const { labels: texts } = choiceLabels([row('1', ['B', 'C', 'A'], 'A'), row('2', ['x', 'y z'], ' Y  z ')]);
    expect([texts.label('1'), texts.label('2')]).toEqual(['C', 'B']);
  });

  it('lets the text stand for the choice only where it is clear', () => {
    const { labels } = choiceLabels([row('1', ['2', '$2$', '3'], 'A'), row('2', ['2', '4', '3'], 'C')]);
    expect([labels.alternatives?.('1'), labels.alternatives?.('2')]).toEqual([['A. 2'], ['3', 'C. 3']]);
  });

  it('names the row whose answer is none of the choices', () => {
    expect(() => choiceLabels([row('1', ['x', 'y'], 'z')])).toThrow(
      'file: row 1: answer "z" is neither a letter nor one of the choices: x | y',
    );
  });
});
