"""Seconds of a whole GRPO step (sampling, reward, learning) with TRL's GRPOTrainer: same checkpoint, questions, batch and G as `quorum start`.

    quorum figures --out /tmp/figures --n 300 --pool heldout
    python bench/peers/grpo.py --model models/mini --data /tmp/figures/data.jsonl --threads 2

Needs torch, transformers, trl and datasets. Prints one line of JSON. The reward is agreement with the majority of the group's boxed answers.
"""
import argparse
import collections
import json
import re
import statistics
import tempfile
import time
from pathlib import Path

import torch
from datasets import Dataset, Image
from transformers import AutoProcessor, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

BOX = re.compile(r"\\boxed\{([^{}]*)\}")


def majority_reward(group: int):
    def reward(completions, **_):
        texts = [completion if isinstance(completion, str) else completion[0]["content"] for completion in completions]
        answers = [boxes[-1] if (boxes := BOX.findall(text)) else None for text in texts]
        rewards = []
        for start in range(0, len(answers), group):
            votes = collections.Counter(answer for answer in answers[start : start + group] if answer is not None)
            winner = votes.most_common(1)[0][0] if votes else None
            rewards += [float(answer is not None and answer == winner) for answer in answers[start : start + group]]
        return rewards

    return reward


class Clock(TrainerCallback):
    def __init__(self):
        self.times = [time.perf_counter()]

    def on_step_end(self, *_, **__):
        self.times.append(time.perf_counter())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="models/mini")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=32)
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--tokens", type=int, default=28)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=4)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    rows = [json.loads(line) for line in args.data.read_text().splitlines()]
    dataset = Dataset.from_list([{"prompt": [{"role": "user", "content": row["problem"]}], "image": str(args.data.parent / row["images"][0])} for row in rows])
    dataset = dataset.cast_column("image", Image(mode="RGB"))
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        config = GRPOConfig(
            output_dir=folder,
            use_cpu=True,
            bf16=False,
            per_device_train_batch_size=args.questions * args.samples // 2,
            gradient_accumulation_steps=1,
            # Two optimizer updates from each sampled batch, as learner.minibatches 2.
            generation_batch_size=args.questions * args.samples,
            num_generations=args.samples,
            max_completion_length=args.tokens,
            max_steps=2 * args.steps,
            temperature=1.0,
            learning_rate=5e-5,
            beta=0.1,
            max_grad_norm=1.0,
            logging_steps=1000,
            save_strategy="no",
            report_to=[],
            gradient_checkpointing=False,
            dataloader_pin_memory=False,
        )
        trainer = GRPOTrainer(
            model=args.model,
            reward_funcs=majority_reward(args.samples),
            args=config,
            train_dataset=dataset,
            processing_class=AutoProcessor.from_pretrained(args.model, padding_side="left"),
            callbacks=[clock],
        )
        trainer.train()
    updates = [after - before for before, after in zip(clock.times, clock.times[1:])]
    steps = [sum(updates[i : i + 2]) for i in range(0, len(updates) - 1, 2)]
    print(json.dumps({"name": "trl.GRPOTrainer", "threads": args.threads, "secondsPerStep": statistics.median(steps[1:] or steps), "steps": steps}))


if __name__ == "__main__":
    main()
