import { Panel } from '../components/panel.tsx';
import type { PageProps } from '../router.ts';

export function Questions({ rest }: PageProps) {
  return <Panel title="Questions">{rest.join(' ')}</Panel>;
}
