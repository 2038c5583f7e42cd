import { href } from '../router.ts';

export function Back() {
  return (
    <p>
      <a class="button small plain" href={href('rollouts')}>
        <span aria-hidden="true">←</span> All rollouts
      </a>
    </p>
  );
}
