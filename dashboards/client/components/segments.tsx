import { useId } from 'preact/hooks';

export interface SegmentsProps<T extends string> {
  /** Label that screen readers announce before the choices. */
  readonly label: string;
  readonly value: T;
  readonly options: readonly (readonly [T, string])[];
  readonly onChange: (value: T) => void;
  /** Fills the width of its container. */
  readonly full?: boolean;
}

/** A choice of a few: radio buttons that look like one control. */
export function Segments<T extends string>({ label, value, options, onChange, full = false }: SegmentsProps<T>) {
  const name = useId();
  return (
    <fieldset class={`segments${full ? ' full' : ''}`}>
      <legend class="visually-hidden">{label}</legend>
      {options.map(([option, text]) => (
        <label key={option}>
          <input type="radio" name={name} value={option} checked={option === value} onChange={() => onChange(option)} />
          {text}
        </label>
      ))}
    </fieldset>
  );
}
