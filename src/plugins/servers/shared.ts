/** Values that several users share: each is opened for its first user and ended with its last. */
export class Shared<T> {
  readonly #entries = new Map<string, Entry<T>>();

  /**
   * Returns the value under `key`, and opens it for the first user. When the opening fails, each waiting user gets the
   * error, and the next call opens the value again.
   * @param leaves aborts when this user no longer needs the value
   * @param open its signal aborts when the last user has left
   */
  join(key: string, leaves: AbortSignal, open: (signal: AbortSignal) => Promise<T>): Promise<T> {
    leaves.throwIfAborted();
    const entry = this.#entries.get(key) ?? this.#begin(key, open);
    entry.users++;
    const leave = (): void => {
      if (--entry.users > 0) return;
      this.#forget(key, entry);
      entry.end.abort(leaves.reason);
    };
    leaves.addEventListener('abort', leave, { once: true });
    return entry.value;
  }

  #begin(key: string, open: (signal: AbortSignal) => Promise<T>): Entry<T> {
    const end = new AbortController();
    const entry = { value: open(end.signal), users: 0, end };
    this.#entries.set(key, entry);
    entry.value.catch(() => this.#forget(key, entry));
    return entry;
  }

  #forget(key: string, entry: Entry<T>): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }
}

interface Entry<T> {
  readonly value: Promise<T>;
  users: number;
  readonly end: AbortController;
}
