import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/data/rng.ts';
import {
  isTrusted,
  NEW_MONITOR,
  observe,
  reasons,
  rolledBack,
  type Assessment,
  type MonitorState,
  type Reading,
} from '../../src/guardian/monitor.ts';
import { evidence, symptoms } from '../../src/guardian/rules.ts';
import { trace } from './traces.ts';

const OPTIONS = { confirmSteps: 3, calmSteps: 10, trustSteps: 20 };

interface Seen {
  readonly state: MonitorState;
  readonly assessments: readonly Assessment[];
}

function watched(readings: readonly Reading[], from: MonitorState = NEW_MONITOR): Seen {
  let state = from;
  const assessments = readings.map((reading) => {
    const result = observe(state, reading, OPTIONS);
    state = result.state;
    return result.assessment;
  });
  return { state, assessments };
}

const firstAct = ({ assessments }: Seen): number => assessments.findIndex(({ level }) => level === 'act') + 1;

describe('a healthy run', () => {
  it('is never acted on, and hardly ever watched', { timeout: 30_000 }, () => {
    for (let seed = 0; seed < 20; seed++) {
      const { assessments, state } = watched(trace(seed, 1_000));
      expect(assessments.filter(({ level }) => level === 'act')).toEqual([]);
      expect(assessments.filter(({ level }) => level === 'watch').length).toBeLessThan(20);
      expect(state.reference!.version).toBeGreaterThan(900);
    }
  });

  it('with checks and a curriculum, which asks ever harder questions, is not watched, and its versions are trusted', () => {
    // As measured on the ladder's digits: 63.7 to 92.3 % right over these steps.
    const steps = 150;
    const climb = trace(2, steps, (signals, step) => {
      const done = Math.min(1, step / 15);
      signals['winnersLost'] = 0.21 + 0.19 * done;
      signals['entropy'] = 0.046 * 0.3 ** done;
      signals['responseTokens'] = 45 + 45 * done;
      signals['voteShare'] = 0.6;
    });
    const { assessments, state } = watched(climb);
    expect(assessments.filter(({ level }) => level !== 'healthy')).toEqual([]);
    expect(state.reference!.version).toBeGreaterThan(steps / 2);
  });

  it('is not watched for one step whose estimate of the KL one token made large, and is for a KL that stays', () => {
    const jump = (lasts: number) =>
      watched(
        trace(3, 60, (signals, step) => {
          if (step >= 40 && step < 40 + lasts) signals['kl'] = 29;
        }),
      ).assessments.flatMap(({ symptoms: found }) => found.filter(({ signal }) => signal === 'kl'));
    expect(jump(1)).toEqual([]);
    expect(jump(10).map(({ severity }) => severity)).toContain(2);
  });
});

describe('where a version was sure of few canaries', () => {
  const losing = (canaries: number, of: number) =>
    watched(
      trace(4, 200, (signals) => {
        signals['agreement'] = signals['origin'] = 1 - canaries / of;
        signals['sureOf'] = signals['baseSureOf'] = of;
      }).map(({ probe, signals: { sureOf, baseSureOf, ...signals }, ...reading }) => ({
        ...reading,
        signals,
        ...(probe && { probe: { ...probe, sureOf: sureOf!, baseSureOf: baseSureOf! } }),
      })),
    );

  it('two of them are lost by chance, and keep no version from being trusted', () => {
    const { assessments, state } = losing(2, 25);
    expect(new Set(assessments.map(({ level }) => level))).toEqual(new Set(['healthy']));
    expect(state.reference!.version).toBeGreaterThan(100);
  });

  it('many that are lost are a collapse all the same, and a series of four adds up to one', () => {
    expect(firstAct(losing(8, 25))).toBeGreaterThan(0);
    const seen = losing(4, 25);
    expect(seen.assessments[firstAct(seen) - 1]!.symptoms.map(({ signal }) => signal)).toContain('erosion');
  });

  it('a large share of them is no symptom until it is more than a few', () => {
    const found = (lost: number, of: number) =>
      symptoms({ agreement: 1 - lost / of, sureOf: of }, {}).map(({ severity }) => severity);
    expect([found(4, 25), found(5, 25), found(7, 25), found(8, 25)]).toEqual([[], [1], [2], [2]]);
    expect([found(4, 90), found(5, 90), found(7, 90), found(8, 90)]).toEqual([[], [1], [1], [2]]);
  });
});

describe('a collapse', () => {
  const onset = 60;
  const at = (step: number) => Math.min(1, Math.max(0, (step - onset) / 15));
  const collapses: Readonly<Record<string, (signals: Record<string, number>, step: number) => void>> = {
    'one answer to everything': (s, step) => {
      s['concentration'] = s['concentration']! + at(step) * (1 - s['concentration']!);
      s['voteShare'] = s['voteShare']! + at(step) * (1 - s['voteShare']!);
    },
    'agreement with oneself while all that was known is forgotten': (s, step) => {
      s['agreement'] = s['agreement']! * (1 - 0.9 * at(step));
      s['origin'] = s['origin']! * (1 - 0.9 * at(step));
    },
    silence: (s, step) => (s['unanswered'] = at(step)),
    noise: (s, step) => {
      s['voteShare'] = s['voteShare']! * (1 - 0.8 * at(step));
      s['spread'] = s['spread']! + 0.8 * at(step);
      s['entropy'] = s['entropy']! * (1 + 15 * at(step));
      s['responseTokens'] = s['responseTokens']! * (1 + 3 * at(step));
    },
  };

  for (const [name, bend] of Object.entries(collapses)) {
    it(`is noticed: ${name}`, () => {
      for (let seed = 0; seed < 5; seed++) {
        const seen = watched(trace(seed, 120, bend));
        expect(firstAct(seen)).toBeGreaterThan(onset);
        expect(firstAct(seen)).toBeLessThan(onset + 25);
        expect(reasons(seen.assessments[firstAct(seen) - 1]!)).not.toBe('');
        // What is trusted was so before it began.
        expect(seen.state.reference!.version).toBeLessThanOrEqual(onset);
      }
    });
  }

  it('that no single probe shows is noticed by several', () => {
    const losing = (loss: number) =>
      watched(trace(3, 200, (s, step) => s['agreement'] !== undefined && (s['agreement'] = step < 60 ? 1 : 1 - loss)));
    const seen = losing(0.05);
    expect(firstAct(seen)).toBeGreaterThan(60);
    expect(seen.assessments[firstAct(seen) - 1]!.symptoms.map(({ signal }) => signal)).toEqual(['erosion']);
    expect(firstAct(losing(0.034))).toBe(0);
  });

  it('in which a little more fades than chance explains adds up over probes', () => {
    const fading = (seed: number, fall: number) =>
      watched(
        trace(seed, 400, (signals, step) => {
          // 70 canaries and 6 responses to each: the share scatters by 0.014, and the largest so far is above its mean.
          const scatter = 0.015 + 0.014 * new Random(seed, 'fading', step).normal();
          signals['faded'] = Math.max(0, scatter + (step < 200 ? 0 : fall));
        }),
      );
    const seen = fading(1, 0.05);
    expect(firstAct(seen)).toBeGreaterThan(200);
    expect(firstAct(seen)).toBeLessThanOrEqual(240);
    for (let seed = 0; seed < 20; seed++) expect(firstAct(fading(seed, 0))).toBe(0);
  });

  it('that is too slow for an alarm is not trusted on its way', () => {
    const slowly = trace(2, 200, (signals, step) => {
      const lost = Math.min(0.006, Math.max(0, (step - 60) * 0.002));
      signals['agreement'] = 0.97 - lost;
      signals['origin'] = 0.97 - lost;
    });
    const { state, assessments } = watched(slowly);
    expect(assessments.slice(100).every(({ level }) => level === 'healthy')).toBe(true);
    expect(state.reference!.version).toBeLessThan(90);
  });

  it('is noticed at once when a metric is not finite', () => {
    const { state } = watched(trace(1, 30));
    const { assessment } = observe(state, { version: 31, signals: {}, notFinite: ['loss'] }, OPTIONS);
    expect(assessment.level).toBe('act');
    expect(reasons(assessment)).toContain('loss is not a number');
  });

  it('is not seen in one bad probe, nor in one bad step', () => {
    const readings = trace(3, 80).map((reading) =>
      reading.version === 60
        ? { ...reading, probe: { agreement: 0, origin: 0, consistency: 0 } }
        : reading.version === 43
          ? { ...reading, signals: { ...reading.signals, concentration: 1, voteShare: 0 } }
          : reading,
    );
    expect(watched(readings).assessments.map(({ level }) => level)).not.toContain('act');
  });
});

describe('after a roll-back', () => {
  /** A decline of half a point a step from `onset`; probes follow each fifth step. */
  const declining = (onset: number) =>
    trace(7, 200, (signals, step) => {
      signals['agreement'] = 0.98 - 0.005 * Math.max(0, step - onset);
      signals['origin'] = signals['agreement'];
    });

  it('the same decline is acted on sooner, with less lost', () => {
    const first = watched(declining(60));
    const back = rolledBack(first.state, 200);
    const again = watched(
      declining(20).map((reading) => ({ ...reading, version: 200 + reading.version })),
      back,
    );
    expect(firstAct(first)).toBeGreaterThan(60);
    expect(firstAct(again)).toBeGreaterThan(20);
    expect(firstAct(again) - 20).toBeLessThan(firstAct(first) - 60);
  });

  it('asks the canaries more often until a version is trusted again', () => {
    const back = rolledBack(watched(trace(1, 100)).state, 101);
    const after = watched(
      trace(1, 250)
        .slice(100)
        .map((reading, i) => ({ ...reading, version: 102 + i })),
      back,
    );
    expect(after.assessments.slice(0, 20).every(({ ask }) => ask !== 'as usual')).toBe(true);
    expect(after.state.isWary).toBe(false);
    expect(after.assessments.slice(-50).filter(({ ask }) => ask === 'as usual').length).toBeGreaterThan(40);
  });
});

describe('a sudden change of what is usual', () => {
  const changed = (bend: (signals: Record<string, number>) => void) =>
    watched(trace(5, 120, (signals, step) => step >= 80 && bend(signals)).filter(({ version }) => version % 5 !== 0));

  it('is a reason to ask the canaries, and neither one to watch nor to act', () => {
    const { assessments } = changed((signals) => (signals['voteShare'] = signals['voteShare']! - 0.1));
    expect(assessments.slice(63, 80).some(({ ask }) => ask === 'soon')).toBe(true);
    expect(new Set(assessments.map(({ level }) => level))).toEqual(new Set(['healthy']));
  });

  it('is usual after a time', () => {
    const { assessments } = changed((signals) => (signals['concentration'] = signals['concentration']! + 0.08));
    expect(assessments.findLastIndex(({ ask }) => ask === 'soon')).toBeGreaterThan(63);
    expect(assessments.slice(-8).map(({ ask }) => ask)).toEqual(Array(8).fill('as usual'));
  });

  it('in the direction of learning raises no doubt', () => {
    const { assessments } = changed((signals) => (signals['voteShare'] = Math.min(1, signals['voteShare']! + 0.06)));
    expect(assessments.slice(68).filter(({ ask }) => ask !== 'as usual').length).toBeLessThan(3);
  });
});

describe('levels', () => {
  const arbitrary = fc.array(
    fc.record({
      signals: fc.record(
        {
          voteShare: fc.double({ min: 0, max: 1, noNaN: true }),
          concentration: fc.double({ min: 0, max: 1, noNaN: true }),
          entropy: fc.double({ min: 0, max: 4, noNaN: true }),
          kl: fc.oneof(fc.double({ min: 0, max: 10, noNaN: true }), fc.constant(Number.NaN)),
        },
        { requiredKeys: [] },
      ),
      probe: fc.option(
        fc.record({
          agreement: fc.double({ min: 0, max: 1, noNaN: true }),
          consistency: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
      ),
    }),
    { maxLength: 60 },
  );
  const readingsOf = (raw: readonly { signals: object; probe: object | null }[]): Reading[] =>
    raw.map(({ signals, probe }, i) => ({ version: i + 1, signals, ...(probe === null ? {} : { probe }) }));

  it('act only on evidence in `confirmSteps` readings in a row or in two probes, and leave a watch only after `calmSteps` without a sign', () => {
    fc.assert(
      fc.property(arbitrary, (raw) => {
        const readings = readingsOf(raw);
        const { assessments } = watched(readings);
        const weights = assessments.map(({ symptoms: found }) => evidence(found));
        /** Probes in the run of readings with evidence that ends here; what has added up rests on two by itself. */
        const probesUntil = (i: number): number => {
          const first = weights.slice(0, i + 1).findLastIndex((weight) => weight < 1) + 1;
          const hasAddedUp = assessments[i]!.symptoms.some((one) => one.signal === 'erosion' && one.severity === 2);
          return readings.slice(first, i + 1).filter(({ probe }) => probe !== undefined).length + Number(hasAddedUp);
        };
        assessments.forEach(({ level }, i) => {
          const before = assessments[i - 1]?.level ?? 'healthy';
          if (level === 'act' && before !== 'act')
            expect(probesUntil(i) >= 2 || (i >= 2 && weights.slice(i - 2, i + 1).every((weight) => weight >= 1))).toBe(
              true,
            );
          if (level === 'healthy' && before !== 'healthy')
            expect(weights.slice(i - 9, i + 1).every((weight) => weight < 0.3)).toBe(true);
          if (level === 'healthy') expect(weights[i]).toBeLessThan(0.3);
        });
      }),
    );
  });

  it('continue from the stored state', () => {
    fc.assert(
      fc.property(arbitrary, fc.nat(59), (raw, cut) => {
        const readings = readingsOf(raw);
        const whole = watched(readings);
        const first = watched(readings.slice(0, cut));
        const second = watched(readings.slice(cut), JSON.parse(JSON.stringify(first.state)) as MonitorState);
        expect([...first.assessments, ...second.assessments]).toEqual(whole.assessments);
      }),
    );
  });

  it('trust no version without healthy steps after it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 100 }),
        fc.integer({ min: 0, max: 100 }),
        fc.nat(40),
        (version, now, sound) => {
          expect(isTrusted({ level: 'watch', sound }, version, now, 20)).toBe(false);
          expect(isTrusted({ level: 'healthy', sound }, version, now, 20)).toBe(now - version >= 20 && sound >= 20);
        },
      ),
    );
  });

  it('stay on watch after a roll-back, compare with what is trusted, and get well', () => {
    const { state } = watched(trace(1, 100));
    const back = rolledBack(state, 101);
    expect(back).toMatchObject({ level: 'watch', reference: state.reference, alarms: 0 });
    const after = watched(
      trace(1, 130)
        .slice(100)
        .map((reading, i) => ({ ...reading, version: 102 + i })),
      back,
    );
    expect(after.assessments[8]!.level).toBe('watch');
    expect(after.assessments.at(-1)!.level).toBe('healthy');
  });
});

describe('symptoms', () => {
  it('weigh more the worse a signal gets', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const before = { concentration: 0.1, voteShare: 0.9 };
        expect(evidence(symptoms({ concentration: high }, before))).toBeGreaterThanOrEqual(
          evidence(symptoms({ concentration: low }, before)),
        );
        expect(evidence(symptoms({ agreement: low }, before))).toBeGreaterThanOrEqual(
          evidence(symptoms({ agreement: high }, before)),
        );
        expect(evidence(symptoms({ voteShare: low }, before))).toBeGreaterThanOrEqual(
          evidence(symptoms({ voteShare: high }, before)),
        );
      }),
    );
  });

  it('leave a data set of yes and no its concentration', () => {
    expect(symptoms({ concentration: 0.58 }, { concentration: 0.5 })).toEqual([]);
    expect(symptoms({ concentration: 0.58 }, { concentration: 0.1 })).toMatchObject([
      { signal: 'concentration', severity: 2 },
    ]);
  });

  it('give the signal’s present and earlier value', () => {
    expect(symptoms({ concentration: 0.6 }, { concentration: 0.1 })[0]!.words).toBe(
      'share of all answers that is the same one answer 0.6, was 0.1',
    );
  });
});
