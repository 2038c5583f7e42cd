/** What the checks found of one response. */
import type { Checked } from '../../../src/protocol/frames.ts';
import { Badge } from '../components/badge.tsx';

type Checks = readonly Checked[] | undefined;

/** Steps that are false, as the response writes them. */
export function deniedSteps(checks: Checks, i: number): readonly string[] {
  return (checks ?? []).flatMap(({ findings }) => {
    const finding = findings[i];
    return finding?.vote === false && finding.step !== undefined ? [finding.step] : [];
  });
}

export function Findings({ checks, i }: { readonly checks: Checks; readonly i: number }) {
  if (checks === undefined || checks.length === 0) return null;
  return (
    <ul class="findings" aria-label={`Checks of response ${i + 1}`}>
      {checks.map(({ check, findings }) => (
        <Finding key={check} check={check} finding={findings[i]} />
      ))}
    </ul>
  );
}

function Finding({
  check,
  finding,
}: {
  readonly check: string;
  readonly finding: Checked['findings'][number] | undefined;
}) {
  if (finding === undefined) return null;
  if (finding.vote === true) return <li class="muted">{check}: holds</li>;
  if (finding.vote === null) return <li class="muted">{`${check}: abstains, ${finding.why}`}</li>;
  return (
    <li>
      <Badge tone="warn">no vote</Badge> {`${check}: ${finding.why}`}
      {finding.step === undefined ? null : <code class="false-step">{finding.step}</code>}
    </li>
  );
}
