/** Returns config.json with the type of most weights, in its root and in those of `parts` that have a type field. */
export function typedConfig(
  raw: Readonly<Record<string, unknown>>,
  dtype: string,
  parts: readonly string[] = [],
): Record<string, unknown> {
  const typed: Record<string, unknown> = { ...raw, ['dtype' in raw ? 'dtype' : 'torch_dtype']: dtype };
  for (const part of parts) {
    const inner = raw[part] as Record<string, unknown> | null | undefined;
    if (inner)
      typed[part] = {
        ...inner,
        ...('dtype' in inner && { dtype }),
        ...('torch_dtype' in inner && { torch_dtype: dtype }),
      };
  }
  return typed;
}
