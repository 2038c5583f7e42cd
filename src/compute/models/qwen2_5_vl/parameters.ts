/** Names and shapes of every parameter, as in the hub's Qwen2.5-VL checkpoints. Linear weights are [out, in]. */
import type { Specs, TensorSpec } from '../../engine/engine.ts';
import type { QwenConfig, TextConfig, VisionConfig } from './config.ts';

/** With tied embeddings there is no `lm_head.weight`. */
export function weightSpecs(config: QwenConfig): Specs {
  return { ...visionWeights(config.vision), ...textWeights(config.text) };
}

function of(...shape: number[]): TensorSpec {
  return { dtype: 'float32', shape };
}

function dense(name: string, out: number, input: number, bias: boolean): Record<string, TensorSpec> {
  return { [`${name}.weight`]: of(out, input), ...(bias && { [`${name}.bias`]: of(out) }) };
}

function swigluWeights(name: string, hidden: number, inner: number, bias: boolean): Record<string, TensorSpec> {
  return {
    ...dense(`${name}.gate_proj`, inner, hidden, bias),
    ...dense(`${name}.up_proj`, inner, hidden, bias),
    ...dense(`${name}.down_proj`, hidden, inner, bias),
  };
}

export function visionWeights(config: VisionConfig): Record<string, TensorSpec> {
  const { hiddenSize: hidden, patchSize: patch } = config;
  const merged = hidden * config.mergeSize ** 2;
  const specs: Record<string, TensorSpec> = {
    'visual.patch_embed.proj.weight': of(hidden, config.channels, config.temporalPatchSize, patch, patch),
    'visual.merger.ln_q.weight': of(hidden),
    ...dense('visual.merger.mlp.0', merged, merged, true),
    ...dense('visual.merger.mlp.2', config.outHiddenSize, merged, true),
  };
  for (let i = 0; i < config.depth; i++) {
    const name = `visual.blocks.${i}`;
    Object.assign(specs, {
      [`${name}.norm1.weight`]: of(hidden),
      [`${name}.norm2.weight`]: of(hidden),
      ...dense(`${name}.attn.qkv`, 3 * hidden, hidden, true),
      ...dense(`${name}.attn.proj`, hidden, hidden, true),
      ...swigluWeights(`${name}.mlp`, hidden, config.intermediateSize, true),
    });
  }
  return specs;
}

function textWeights(config: TextConfig): Record<string, TensorSpec> {
  const { hiddenSize: hidden, vocabSize } = config;
  const kv = config.kvHeads * config.headDim;
  const specs: Record<string, TensorSpec> = {
    'model.embed_tokens.weight': of(vocabSize, hidden),
    'model.norm.weight': of(hidden),
    ...(!config.tieEmbeddings && { 'lm_head.weight': of(vocabSize, hidden) }),
  };
  for (let i = 0; i < config.layers; i++) {
    const name = `model.layers.${i}`;
    Object.assign(specs, {
      [`${name}.input_layernorm.weight`]: of(hidden),
      [`${name}.post_attention_layernorm.weight`]: of(hidden),
      ...dense(`${name}.self_attn.q_proj`, hidden, hidden, true),
      ...dense(`${name}.self_attn.k_proj`, kv, hidden, true),
      ...dense(`${name}.self_attn.v_proj`, kv, hidden, true),
      ...dense(`${name}.self_attn.o_proj`, hidden, hidden, false),
      ...swigluWeights(`${name}.mlp`, hidden, config.intermediateSize, false),
    });
  }
  return specs;
}
