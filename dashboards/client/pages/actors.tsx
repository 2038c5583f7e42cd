import { Panel } from '../components/panel.tsx';

export function Actors() {
  return <Panel title="Actors">{null}</Panel>;
}
