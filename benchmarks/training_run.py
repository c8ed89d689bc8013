"""One run of `benchmarks.training`, in a process of its own: ours, the `Trainer`, or a plain loop and ours.

python -m benchmarks.training_run ours|trainer|plain JOB SECONDS
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from corpora.artefact import Artefact, Draft
from corpora.reporter import Item, Quiet
from pretrain.training.material import open_loader
from pretrain.training.stage import Train, train
from tokenization.tokens import TokenSet

LR, WARMUP, DECAY, CLIP, EPS = 1e-4, 2, 0.01, 1.0, 1e-6


@dataclass(frozen=True)
class Job:
    """What both sides do."""

    name: str
    network: str  # folder of the first weights
    tokens: str  # folder of the token set
    batch: int  # rows a step
    micro_batch: int
    steps: int
    save_at: int  # after this step, 0: never
    precision: str
    compile: bool


@dataclass
class Clock:
    """Where both clocks stand when each step begins."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def tick(self) -> None:
        """A step begins, and the one before has ended."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.wall.append(time.time())
        self.processor.append(time.process_time())


class Listening(Quiet):
    """Ticks at each step of our training, and keeps what it measures of itself."""

    def __init__(self, clock: Clock) -> None:
        """With a clock."""
        self.clock, self.measured = clock, dict[str, float]()

    def track(
        self, items: Iterable[Item], what: str, total: int | None = None, unit: str = ""
    ) -> Iterator[Item]:
        """The steps."""
        for item in items:
            if what == "training":
                self.clock.tick()
            yield item

    def metrics(self, values: Mapping[str, float | int | str]) -> None:
        """What a line of the log says of speed."""
        told = ("share_of_peak", "loader_wait_share")
        self.measured |= {key: float(values[key]) for key in told if key in values}


def settings(job: Job) -> Train:
    """Our settings: single tokens masked, 80/10/10, as the collator does."""
    speed: dict[str, object] = {"precision": job.precision, "micro_batch": job.micro_batch}
    speed |= {"compile": True} if job.compile else {}
    # The Trainer lets documents of one row see each other: ours shall do the same work.
    together = {"cross_document": True} if "cross_document" in Train.model_fields else {}
    return Train.model_validate(
        {
            **together,
            "from_pretrained": job.network,
            "head_warmup": 0,
            "masking": "token",
            "objectives": {"mlm": 1.0},
            "optimizer": {"name": "adamw", "lr": LR, "weight_decay": DECAY, "eps": EPS},
            "schedule": {"name": "linear", "warmup_steps": WARMUP},
            "clip": CLIP,
            "batch": job.batch,
            "steps": job.steps,
            "save_every": job.save_at or job.steps,
            "log_every": max(1, job.steps - 2),
            "seed": 0,
            "data_seed": 0,
            "speed": speed,
        }
    )


def ours(job: Job, folder: Path, clock: Clock) -> dict[str, float]:
    """The stage `train`; its last checkpoint stands in `folder`."""
    reporter = Listening(clock)
    draft = Draft.open(folder / "made", "checkpoint", "measured")
    report = train(settings(job), {"data": Artefact.open(Path(job.tokens))}, draft, reporter)
    draft.commit(report)
    return reporter.measured


def trainer(job: Job, folder: Path, clock: Clock) -> dict[str, float]:
    """`transformers.Trainer`, as a competent user writes it."""
    from datasets import Dataset
    from transformers import (
        AutoTokenizer,
        BertForMaskedLM,
        DataCollatorForLanguageModeling,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    class Ticking(TrainerCallback):
        def on_step_begin(self, *_: object, **__: object) -> None:
            clock.tick()

    gpu = torch.cuda.is_available()
    arguments = TrainingArguments(
        output_dir=str(folder / "theirs"),
        per_device_train_batch_size=job.micro_batch,
        gradient_accumulation_steps=job.batch // job.micro_batch,
        max_steps=job.steps,
        learning_rate=LR,
        weight_decay=DECAY,
        adam_epsilon=EPS,
        max_grad_norm=CLIP,
        lr_scheduler_type="linear",
        warmup_steps=WARMUP,
        train_sampling_strategy="sequential",
        save_strategy="steps" if job.save_at else "no",
        save_steps=job.save_at or job.steps,
        logging_steps=max(1, job.steps - 2),
        report_to="none",
        disable_tqdm=True,
        use_cpu=not gpu,
        bf16=job.precision == "bf16",
        torch_compile=job.compile,
        dataloader_num_workers=2 if gpu else 0,
    )
    tokens = TokenSet.open(Artefact.open(Path(job.tokens)))
    rows = [tokens.row(number).ids for number in order(job)]
    special = [np.isin(ids, list(tokens.special_ids)).astype(np.int64) for ids in rows]
    data = Dataset.from_dict({"input_ids": rows, "special_tokens_mask": special})
    tokenizer = AutoTokenizer.from_pretrained(tokens.tokenizer)
    Trainer(
        model=BertForMaskedLM.from_pretrained(job.network),
        args=arguments,
        train_dataset=data,
        data_collator=DataCollatorForLanguageModeling(tokenizer),
        callbacks=[Ticking()],
    ).train()
    return {}


def order(job: Job) -> list[int]:
    """Numbers of the rows of all steps, as our loader has them."""
    loader = open_loader(settings(job), {"data": Artefact.open(Path(job.tokens))}, "train")
    return [int(row) for step in range(job.steps) for row in loader.samples(step)]


def plain(job: Job, folder: Path, clock: Clock) -> dict[str, float]:
    """Train both ways, ours and a page of plain PyTorch with our masks; how far the weights are apart."""
    from safetensors.torch import load_file
    from transformers import BertForMaskedLM

    ours(job, folder, clock)
    model = BertForMaskedLM.from_pretrained(job.network)
    decayed = [weight for weight in model.parameters() if weight.ndim > 1]
    others = [weight for weight in model.parameters() if weight.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=LR, eps=EPS)
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda n: (n + 1) / WARMUP if n < WARMUP else (job.steps - n) / (job.steps - WARMUP),
    )
    loader = open_loader(settings(job), {"data": Artefact.open(Path(job.tokens))}, "train")
    for step in range(job.steps):
        (batch,) = loader.window(step).batches  # all rows at once
        labels = torch.full(batch.input_ids.shape, -100).flatten()
        labels[batch.masked_positions] = batch.masked_targets
        said = model(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask.long(),
            token_type_ids=batch.token_type_ids,
            labels=labels.view_as(batch.input_ids),
        )
        said.loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        rate.step()
        optimizer.zero_grad()
    (file,) = (folder / "made").glob(f"step-*{job.steps}/model.safetensors")
    made, wanted = load_file(file), model.state_dict()
    return {"apart": max(float((made[name] - wanted[name]).abs().max()) for name in made)}


def measured(job: Job, clock: Clock, begun: float) -> dict[str, Any]:
    """What the clock and the system say."""
    walls, processors = np.diff(clock.wall).tolist(), np.diff(clock.processor).tolist()
    tokens = TokenSet.open(Artefact.open(Path(job.tokens)))
    lengths = tokens.lengths(np.array(order(job))).reshape(job.steps, job.batch).sum(1)
    calm = [wall for step, wall in enumerate(walls) if step and step != job.save_at - 1]
    gpu = torch.cuda.is_available()
    return {
        "tokens": lengths.tolist(),
        "wall": walls,
        "processor": processors,
        "first_step_seconds": clock.wall[1] - begun,
        "first_step_processor_seconds": clock.processor[1],
        "peak_bytes": torch.cuda.max_memory_allocated() if gpu else _resident(),
        "save_seconds": walls[job.save_at - 1] - median(calm) if job.save_at else 0.0,
    }


def _resident() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main(side: str, job: Job, begun: float) -> None:
    """Run, and print what was measured as the last line."""
    if not torch.cuda.is_available():
        torch.set_num_threads(1)
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        own = {"ours": ours, "trainer": trainer, "plain": plain}[side](job, Path(folder), clock)
    print(json.dumps({**(measured(job, clock, begun) if side != "plain" else {}), **own}))


if __name__ == "__main__":
    main(sys.argv[1], Job(**json.loads(sys.argv[2])), float(sys.argv[3]))
