import { expect, test } from 'vitest';
import { withDeadline } from '../../src/lib/deadline.ts';

test('a wait for what never comes has an end that names it; one for what comes has its value or its error', async () => {
  const never = withDeadline('the module', 0.01, undefined, () => new Promise(() => {}));
  await expect(never).rejects.toMatchObject({ name: 'TimeoutError', message: 'the module: not done after 0.01 s' });
  expect(await withDeadline('soon', 60, undefined, () => Promise.resolve(7))).toBe(7);
  await expect(withDeadline('soon', 60, undefined, () => Promise.reject(new Error('broken')))).rejects.toThrow(
    'broken',
  );
});
