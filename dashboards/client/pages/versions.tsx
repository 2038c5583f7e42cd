import { Panel } from '../components/panel.tsx';
import type { PageProps } from '../router.ts';

export function Versions({ rest }: PageProps) {
  return <Panel title="Versions">{rest.join(' ')}</Panel>;
}
