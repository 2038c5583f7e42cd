import { Panel } from '../components/panel.tsx';

export function Control() {
  return <Panel title="Control">{null}</Panel>;
}
