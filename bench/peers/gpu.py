"""The work of `npm run bench:gpu` with torch, transformers and PEFT: gradient of GRPO's loss in LoRA adapters, and `generate`.

    npm run bench:gpu -- --like 3b
    python bench/peers/gpu.py --model /tmp/quorum-bench/3b

`npm run bench:gpu` runs it too. Needs torch, transformers and peft. Prints one line of JSON for each measurement as soon as it is made. Every response has its prompt and its picture of 448 x 448
before it, as trainers on transformers do; log-probabilities are those of the responses alone. `--device cpu --quick` tries the script without a GPU.
"""
import argparse
import json
import resource
import statistics
import sys
import time

try:
    import torch
    import transformers
    from peft import LoraConfig, get_peft_model
    from transformers import Qwen2_5_VLForConditionalGeneration
except ImportError as error:
    sys.exit(f"ImportError: {error}: python3 -m pip install torch transformers peft")

# 448 x 448 pixels: patches of 14 x 14, merged 2 x 2.
GRID = (1, 32, 32)
PICTURE_TOKENS = GRID[1] * GRID[2] // 4
PATCH_VALUES = 3 * 2 * 14 * 14
TEXT_TOKENS = 44


class Bench:
    def __init__(self, model: str, device: str, rounds: int):
        self.device, self.rounds = device, rounds
        self.versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
        dtype = torch.bfloat16 if device == "cuda" else torch.float32
        self.model = Qwen2_5_VLForConditionalGeneration.from_pretrained(model, dtype=dtype, attn_implementation="sdpa").to(device)
        torch.manual_seed(0)

    def prompts(self, rows: int) -> dict:
        config = self.model.config
        text = torch.randint(0, 256, (rows, TEXT_TOKENS), device=self.device)
        marks = [config.vision_start_token_id] + [config.image_token_id] * PICTURE_TOKENS + [config.vision_end_token_id]
        ids = torch.cat([torch.tensor([marks] * rows, device=self.device), text], 1)
        pixels = torch.randn(rows * GRID[1] * GRID[2], PATCH_VALUES, device=self.device, dtype=self.model.dtype)
        return {"input_ids": ids, "pixel_values": pixels, "image_grid_thw": torch.tensor([GRID] * rows, device=self.device)}

    def whole(self, inputs: dict) -> dict:
        ids = inputs["input_ids"]
        return {**inputs, "attention_mask": torch.ones_like(ids), "mm_token_type_ids": (ids == self.model.config.image_token_id).int()}

    def clock(self, work) -> float:
        """Median seconds, after one round that does not count."""
        times = []
        for _ in range(self.rounds + 1):
            self.wait()
            started = time.perf_counter()
            work()
            self.wait()
            times.append(time.perf_counter() - started)
        return statistics.median(times[1:])

    def wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()

    def report(self, name: str, values: dict) -> None:
        host = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
        device = {"GB of tensors on the GPU": torch.cuda.max_memory_allocated() / 1e9} if self.device == "cuda" else {}
        units = {**values, **device, "GB of host memory": host}
        measured = [{"value": value, "unit": unit} for unit, value in units.items()]
        print(json.dumps({"name": f"{name} ({self.versions})", "values": measured}), flush=True)
        if self.device == "cuda":
            torch.cuda.reset_peak_memory_stats()

    def generate(self, rows: int, tokens: int) -> None:
        inputs = self.whole(self.prompts(rows))

        def run(count: int) -> float:
            options = {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "pad_token_id": 0}
            with torch.no_grad():
                return self.clock(lambda: self.model.generate(**inputs, max_new_tokens=count, min_new_tokens=count, **options))

        short = max(1, tokens >> 3)
        step = (run(tokens) - run(short)) / (tokens - short)
        self.report(f"rollout, {rows} rows", {"ms/step": 1e3 * step, "tokens/s": rows / step})

    def learn(self, adapted, optimizer, questions: int, samples: int, tokens: int) -> None:
        rows = questions * samples
        inputs = self.prompts(rows)
        responses = torch.randint(0, 256, (rows, tokens), device=self.device)
        inputs["input_ids"] = torch.cat([inputs["input_ids"], responses], 1)
        inputs = self.whole(inputs)
        advantages = torch.tensor([1.0, -1.0] * rows, device=self.device)[:rows, None]

        def step() -> None:
            logits = adapted(**inputs, logits_to_keep=tokens + 1, use_cache=False).logits[:, :-1]
            log_probs = torch.log_softmax(logits.float(), -1).gather(-1, responses[..., None])[..., 0]
            ratio = torch.exp(log_probs - log_probs.detach())
            surrogate = torch.minimum(ratio * advantages, ratio.clamp(0.8, 1.2) * advantages)
            away = log_probs.detach() - log_probs
            (0.01 * (torch.exp(away) - away - 1) - surrogate).mean().backward()
            torch.nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], 1.0)
            optimizer.step()
            optimizer.zero_grad()

        self.report(f"learner step, {questions} x {samples} x {tokens}", {"ms": 1e3 * self.clock(step)})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rounds", type=int, default=3, help="counted rounds of each measurement")
    parser.add_argument("--quick", action="store_true", help="few and short responses, to try the script")
    args = parser.parse_args()
    bench = Bench(args.model, args.device, args.rounds)
    for rows, tokens in [(4, 8)] if args.quick else [(64, 128), (256, 128)]:
        bench.generate(rows, tokens)
    targets = r".*language_model.*(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"
    adapted = get_peft_model(bench.model, LoraConfig(r=16, lora_alpha=32, target_modules=targets))
    adapted.train()
    optimizer = torch.optim.AdamW([each for each in adapted.parameters() if each.requires_grad], lr=1e-6)
    for shape in [(1, 2, 8)] if args.quick else [(2, 8, 128), (1, 8, 512)]:
        bench.learn(adapted, optimizer, *shape)


if __name__ == "__main__":
    main()
