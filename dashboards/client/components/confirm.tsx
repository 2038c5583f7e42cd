/**
 * Asks for confirmation before something that cannot be undone. It uses the browser's own <dialog>, which traps the
 * focus, closes on Escape and returns the focus.
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';

export interface ConfirmProps {
  readonly title: string;
  /** Label of the confirming button: a verb. */
  readonly action: string;
  readonly danger?: boolean;
  /** Performs the action; the dialog closes when it resolves and shows the error when it rejects. */
  readonly onConfirm: () => Promise<void>;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** The dialog is open while mounted. */
export function Confirm({ title, action, danger = false, onConfirm, onClose, children }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<string>();
  useEffect(() => dialog.current?.showModal(), []);
  const confirm = () => {
    setPending(true);
    setError(undefined);
    onConfirm().then(onClose, (failure: Error) => {
      setPending(false);
      setError(failure.message);
    });
  };
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby={id} onClose={onClose}>
      <div class="dialog-body">
        <h2 id={id}>{title}</h2>
        <div class="muted">{children}</div>
        {error === undefined ? null : (
          <p class="field-error" role="alert">
            {error}
          </p>
        )}
      </div>
      <footer class="dialog-foot">
        <button type="button" class="button" onClick={() => dialog.current?.close()}>
          Cancel
        </button>
        <button type="button" class={`button ${danger ? 'danger' : 'primary'}`} disabled={pending} onClick={confirm}>
          {pending ? 'Working …' : action}
        </button>
      </footer>
    </dialog>
  );
}
