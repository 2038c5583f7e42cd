/** Turns the event loop until `condition` holds. @throws Error after `turns` turns. */
export async function until(condition: () => boolean, turns = 10_000): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) {
    if (condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`condition does not hold after ${turns} turns of the event loop: ${condition.toString()}`);
}
