"""One run of `benchmarks.adversarial`, in a process of its own: some steps, their cost and their memory.

python -m benchmarks.adversarial_run plain|alum|port JOB
"""

import json
import resource
import sys
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div

from pretrain.adversarial import Alum
from pretrain.batch import Batch, Window
from pretrain.engine.config import configuration
from pretrain.engine.deepspeed import Engine, Ranks
from pretrain.networks.network import Model, Network, build
from pretrain.objectives import Objectives
from pretrain.optimizers import AdamW
from pretrain.step import train_step

MASKED = 0.15
LR = 1e-4


@dataclass(frozen=True)
class Job:
    """What all sides do."""

    layers: int
    hidden: int
    vocabulary: int
    rows: int
    length: int
    steps: int
    precision: str


def network(job: Job) -> Network:
    """A BERT with fresh weights and dropout."""
    sizes = {
        "type": "bert",
        "hidden_size": job.hidden,
        "num_hidden_layers": job.layers,
        "num_attention_heads": job.hidden // 64,
        "intermediate_size": 4 * job.hidden,
    }
    return Network(build(Model.model_validate(sizes), job.vocabulary, 0, pairs=False, seed=0), job.precision)


def window(job: Job, step: int) -> Window:
    """Full rows of random ids: what a step costs does not hang on what they say."""
    dice = torch.Generator().manual_seed(step)
    shape = job.rows, job.length
    ids = torch.randint(5, job.vocabulary, shape, generator=dice)
    masked = torch.randperm(ids.numel(), generator=dice)[: int(MASKED * ids.numel())].sort().values
    named: dict[str, Any] = {name: torch.zeros(job.rows, dtype=torch.int64) for name in ("noise", "samples")}
    batch = Batch(
        input_ids=ids,
        attention_mask=torch.ones(shape, dtype=torch.bool),
        token_type_ids=torch.zeros_like(ids),
        position_ids=torch.arange(job.length).expand(shape),
        masked_positions=masked,
        masked_targets=ids.flatten()[masked],
        pair_labels=torch.full((job.rows,), -100),
        **(named | {"samples": torch.arange(job.rows)}),
    )
    return Window(step, (batch,), len(masked), 0, ids.numel())


def ours(job: Job, adversary: Alum | None) -> list[float]:
    """Seconds of each step of the trainer."""
    ranks, model = Ranks.join(), network(job)
    if adversary:
        model.open_to(adversary.level)
    setup = configuration(0, job.rows, 1.0, sum(one.numel() for one in model.parameters()), {})
    engine = Engine(ranks, model, AdamW(lr=LR).build(model), setup, 1.0)
    engine.network.train()
    objectives = Objectives.model_validate({"mlm": 1.0}).active()
    taken = []
    for step in range(job.steps):
        given = window(job, step)
        begun = clock()
        train_step(engine, given, objectives, LR, 0, adversary)
        taken.append(clock() - begun)
    return taken


def port(job: Job) -> list[float]:
    """ALUM as most write it: the head at every token, `.backward()` in the ascent, gradients cleared then."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = network(job).model.to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR)
    taken = []
    for step in range(job.steps):
        (batch,) = window(job, step).batches
        moved = batch.to(device)
        begun = clock()
        with torch.autocast(device.type, torch.bfloat16, job.precision == "bf16"):
            _port_step(model, moved)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        taken.append(clock() - begun)
    return taken


def _port_step(model: Any, batch: Batch) -> None:  # noqa: ANN401 - a PreTrainedModel
    places = batch.masked_positions
    embedded = model.get_input_embeddings()(batch.input_ids)

    def say(words: Tensor) -> Tensor:
        logits: Tensor = model(inputs_embeds=words).logits.flatten(0, 1)[places].float()
        return logits

    def apart(target: Tensor, said: Tensor) -> Tensor:
        return kl_div(said.log_softmax(-1), target.detach().softmax(-1), reduction="batchmean")

    clean = say(embedded)
    delta = (0.01 * torch.randn_like(embedded)).requires_grad_()
    apart(clean, say(embedded.detach() + delta)).backward()  # type: ignore[no-untyped-call]
    assert delta.grad is not None
    step = delta.grad / delta.grad.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    model.zero_grad()
    said = say(embedded.detach() + (delta + 0.1 * step).detach())
    loss = cross_entropy(clean, batch.masked_targets) + apart(clean, said) + apart(said, clean)
    loss.backward()  # type: ignore[no-untyped-call]


def clock() -> float:
    """Processor seconds; on a GPU those of the wall, once it is done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def main() -> None:
    """Run, and print what was measured as JSON."""
    side, job = sys.argv[1], Job(**json.loads(sys.argv[2]))
    taken = port(job) if side == "port" else ours(job, Alum(health_every=0) if side == "alum" else None)
    gpu = torch.cuda.is_available()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": taken, "peak_bytes": torch.cuda.max_memory_allocated() if gpu else peak}))


if __name__ == "__main__":
    main()
