import { Panel } from '../components/panel.tsx';
import type { PageProps } from '../router.ts';

export function Rollouts({ rest }: PageProps) {
  return <Panel title="Rollouts">{rest.join(' ')}</Panel>;
}
