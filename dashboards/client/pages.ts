/** The pages in the order of the navigation. A route's first segment is a page's `path`. */
import type { ComponentType } from 'preact';
import type { Live } from '../../src/protocol/frames.ts';
import type { IconName } from './components/icons.tsx';
import { Actors } from './pages/actors.tsx';
import { Control } from './pages/control.tsx';
import { Now } from './pages/now.tsx';
import { Panels } from './pages/panels.tsx';
import { Questions } from './pages/questions.tsx';
import { Rollouts } from './pages/rollouts.tsx';
import { Versions } from './pages/versions.tsx';
import type { PageProps } from './router.ts';

export interface Page {
  readonly path: IconName;
  readonly title: string;
  readonly component: ComponentType<PageProps>;
  /** Whether the navigation shows the page; default always. */
  readonly shown?: (live: Live) => boolean;
}

export const PAGES: readonly Page[] = [
  { path: 'now', title: 'Now', component: Now },
  { path: 'rollouts', title: 'Rollouts', component: Rollouts },
  { path: 'questions', title: 'Questions', component: Questions },
  { path: 'actors', title: 'Actors', component: Actors },
  { path: 'versions', title: 'Versions', component: Versions },
  { path: 'control', title: 'Control', component: Control },
  {
    path: 'panels',
    title: 'Panels',
    component: Panels,
    shown: ({ actors }) => actors.some(({ role }) => role === 'panel'),
  },
];
