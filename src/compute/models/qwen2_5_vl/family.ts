/** Qwen2.5-VL: a decoder with M-RoPE and a vision tower with window attention. */
import type { Architecture, ModelFamily, Vision } from '../family.ts';
import { typedConfig } from '../typed-config.ts';
import { parseConfig, type QwenConfig } from './config.ts';
import { weightSpecs } from './parameters.ts';
import { parseProcessor, processImage } from './processor.ts';
import { imageTokens, ropeIndex, rotaryFeeds, rotarySpecs } from './rope.ts';
import { planTower } from './tower-plan.ts';
import { planVision } from './vision-plan.ts';

export const qwen2_5_vl: ModelFamily = {
  modelType: 'qwen2_5_vl',
  parse(raw, file): Architecture {
    const config = parseConfig(raw, file);
    return {
      modelType: 'qwen2_5_vl',
      dimensions: config.text,
      parameters: weightSpecs(config),
      parameterName: (stored) => parameterName(config, stored),
      moduleOf,
      positions: {
        axes: 3,
        of: (ids, images) => ropeIndex(config, ids, images),
        specs: (rows) => rotarySpecs(config.text, rows),
        feeds: (positions) => rotaryFeeds(config.text, positions),
      },
      vision: visionOf(config),
      raw,
      save: (dtype) => typedConfig(raw, dtype, ['text_config', 'vision_config']),
      network: async () => (await import('./network.ts')).network(config),
    };
  },
};

function visionOf(config: QwenConfig): Vision {
  return {
    tokenId: config.imageTokenId,
    processor(json, file) {
      const settings = parseProcessor(json, config.vision, file);
      return (picture, maxTokens) => processImage(settings, picture, maxTokens);
    },
    rows: ({ grid }) => imageTokens(grid, config.vision.mergeSize),
    plan: (images) => planVision(config.vision, images),
    tower: {
      owns: (parameter) => parameter.startsWith('visual.'),
      plan: (image) => planTower(config.vision, image),
    },
  };
}

/**
 * Maps transformers' in-memory names (`model.visual.`, `model.language_model.`) to the hub's. A tied head may be
 * stored too; its tensor is ignored.
 */
function parameterName(config: QwenConfig, stored: string): string | undefined {
  const name = stored.replace(/^model\.visual\./, 'visual.').replace(/^model\.language_model\./, 'model.');
  return config.text.tieEmbeddings && name === 'lm_head.weight' ? undefined : name;
}

function moduleOf(parameter: string): string | undefined {
  const inTower = /^(visual\.(?:blocks\.\d+\.(?:attn|mlp)\.\w+|merger\.mlp\.\d+))\.weight$/.exec(parameter)?.[1];
  if (inTower !== undefined) return `model.${inTower}`;
  return /^model\.(layers\.\d+\.(?:self_attn|mlp)\.\w+)\.weight$/
    .exec(parameter)?.[1]
    ?.replace(/^/, 'model.language_model.');
}
