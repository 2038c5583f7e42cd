import { Panel } from '../components/panel.tsx';

export function Now() {
  return <Panel title="Now">{null}</Panel>;
}
