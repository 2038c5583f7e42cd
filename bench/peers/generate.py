"""Tokens a second of transformers' generate on the same checkpoint, questions and threads as bench/rollout.ts.

    quorum figures --out /tmp/figures --n 64 --pool heldout
    python bench/peers/generate.py --model models/mini --data /tmp/figures/data.jsonl --threads 1

Needs torch and transformers. Prints one line of JSON.
"""
import argparse
import json
import statistics
import time
from pathlib import Path

import torch
from PIL import Image
from transformers import AutoProcessor, Qwen2_5_VLForConditionalGeneration


def load_batch(processor, data: Path, questions: int):
    rows = [json.loads(line) for line in data.read_text().splitlines()[:questions]]
    if len(rows) < questions:
        raise SystemExit(f"{data} has {len(rows)} questions, --questions asks for {questions}")
    chats = [
        [{"role": "user", "content": [{"type": "image"} for _ in row["images"]] + [{"type": "text", "text": row["problem"]}]}]
        for row in rows
    ]
    texts = [processor.apply_chat_template(chat, add_generation_prompt=True, tokenize=False) for chat in chats]
    images = [Image.open(data.parent / image).convert("RGB") for row in rows for image in row["images"]]
    return processor(text=texts, images=images, padding=True, return_tensors="pt")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="models/mini")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=64)
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--tokens", type=int, default=28)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    processor = AutoProcessor.from_pretrained(args.model)
    processor.tokenizer.padding_side = "left"
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(args.model, dtype=torch.float32).eval()
    batch = load_batch(processor, args.data, args.questions)
    rates = []
    for run in range(args.runs + 1):
        torch.manual_seed(run)
        started = time.perf_counter()
        with torch.inference_mode():
            ids = model.generate(**batch, do_sample=True, temperature=1.0, top_p=1.0, top_k=0, num_return_sequences=args.samples, max_new_tokens=args.tokens)
        seconds = time.perf_counter() - started
        new = ids[:, batch["input_ids"].shape[1] :]
        ends = torch.tensor(model.generation_config.eos_token_id).reshape(-1)
        # A response counts up to and with its first end token, as in bench/rollout.ts.
        before_end = (torch.isin(new, ends).cumsum(1) - torch.isin(new, ends).long()) == 0
        rates.append(int(before_end.sum()) / seconds)
    print(json.dumps({"name": "transformers.generate", "threads": args.threads, "tokensPerSecond": statistics.median(rates[1:]), "runs": rates[1:]}))


if __name__ == "__main__":
    main()
