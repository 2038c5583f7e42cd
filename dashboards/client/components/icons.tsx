/**
 * Line icons, 16 x 16, in the colour of the surrounding text. They are decoration, as the text next to each says what
 * it means.
 */
const PATHS = {
  now: 'M1.5 8.5h3l2-5 3 9 2-4h3',
  rollouts: 'M2 3h12M2 8h8M2 13h10',
  questions: 'M6 6a2 2 0 1 1 3 1.7c-.7.4-1 .8-1 1.6M8 12h.01M8 15A7 7 0 1 0 8 1a7 7 0 0 0 0 14z',
  actors: 'M8 4.5v3M3.5 11V9.5a2 2 0 0 1 2-2h5a2 2 0 0 1 2 2V11M6 1.5h4v3H6zM1.5 11h4v3.5h-4zM10.5 11h4v3.5h-4z',
  versions:
    'M4 5v6M4 11a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM4 1a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM12 3a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM12 7c0 3-4 2.5-6 4',
  control: 'M2 4h7M13 4h1M2 8h1M7 8h7M2 12h7M13 12h1M11 2.5v3M5 6.5v3M11 10.5v3',
  panels: 'M2 2h5v5H2zM9 2h5v5H9zM2 9h5v5H2zM9 9h5v5H9z',
  pause: 'M5 3v10M11 3v10',
  play: 'M4.5 2.5v11l9-5.5z',
  light: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1',
  dark: 'M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7z',
  system: 'M2 3h12v8H2zM6 14h4M8 11v3',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
