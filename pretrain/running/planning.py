"""The plan of a run: for each stage what would happen and why, and what it would cost.

Every figure says how it is known: measured (counted in finished work, or a matter of settings), sampled (from
the first documents of each source), or guessed (a rule of thumb; the constants are below).
"""

import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from rich.table import Table

from corpora.artefact import Artefact
from corpora.sharding import Shard
from corpora.sources import Input
from corpora.stage import StageSettings, asides_of
from pretrain import asides, notes
from pretrain.finetuning import Finetune
from pretrain.recipe import difference
from pretrain.running import folders
from pretrain.running.chain import Link, chain
from pretrain.running.runner import Job
from pretrain.running.store import Store
from pretrain.running.weighing import Size, size_at, sizes_of
from pretrain.training import checkpoints
from pretrain.training.stage import Train
from tokenization.encoding import Encode
from tokenization.lexicon.building import Lexicon
from tokenization.tokenizer import Loaded

Mark = Literal["measured", "sampled", "guessed"]

SAMPLE_DOCUMENTS = 200  # of each file
SHARD_BYTES_A_CHARACTER = 1.3  # zstd JSON lines of Chinese text
TOKENS_A_CHARACTER = 0.95  # Chinese text, special tokens included
TOKEN_BYTES = 4  # on disk: id, word start, share of a row's columns
SHARD_MEMORY = 1.5e8  # bytes, of a worker
SHARD_MEMORY_A_RUN = 5  # times the text that a worker holds at once
SHARD_CHARACTERS_A_SECOND = 3e6  # a core, cleaning `light`
ENCODE_CHARACTERS_A_SECOND = 2.0e5  # a core, jieba
LEXICON_SECONDS = 25.0
HEAD_SHARE = 0.15  # of the tokens meet the vocabulary: the masked ones
SCORING_SECONDS = 5.0  # of a fine-tuned run, on its held-out rows
FLOPS_A_CORE = 2.5e10  # float32, small networks
FLOPS_A_GPU = 2.5e14  # bf16, one recent data-centre card
FILL = 0.6  # real tokens among the positions of labelled rows
ROW = 100.0  # tokens of a row of which nothing is known
VOCABULARY = 21_128  # where it is not known yet: that of Chinese BERT

TIMES = ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h"))  # below so many seconds, in this unit


@dataclass(frozen=True)
class Figure:
    """A quantity and how it is known."""

    value: float
    mark: Mark

    def times(self, factor: float) -> "Figure":
        """Scaled by a rule of thumb: a guess, unless it was one already."""
        return Figure(self.value * factor, "guessed")


@dataclass(frozen=True)
class Costs:
    """What is known of a stage before it runs."""

    amounts: Mapping[str, Figure]  # documents, characters, tokens, steps, parameters
    disk: Figure | None = None  # bytes
    memory: Figure | None = None  # bytes
    time: Figure | None = None  # seconds


def plan(job: Job) -> None:
    """Print the plan."""
    recipe, store, console = job.recipe, job.store, job.console
    links = chain(recipe, store)
    folder, before = folders.find(recipe, job.runs)
    plain = job.runs / recipe.name.partition(",")[0]  # the run without overrides
    known = folders.remembered(before or folder) or folders.remembered(plain)
    table = Table(title=f"{recipe.name}: plan", title_justify="left", title_style="bold")
    for heading in ("stage", "status", "amounts", "disk", "memory", "time"):
        table.add_column(heading, overflow="fold")
    flow: dict[str, Figure] = {}
    for link in links:
        costs = costs_of(link, store, flow)
        flow |= costs.amounts
        row = (status(link, store, known), _amounts(costs), _size(costs.disk), _size(costs.memory))
        left_out = ("left out", "", "", "", "")
        table.add_row(link.name, *((*row, _time(costs.time)) if link.name in job.wanted else left_out))
    console.print(table)
    console.print(f"run folder: {folder}    artefacts: {store.root}", highlight=False, markup=False)
    console.print("m measured, s sampled, g guessed", style="dim")


def status(link: Link, store: Store, known: Mapping[str, Mapping[str, Any]]) -> str:
    """`done`, `resumes ...`, or `will run` and why."""
    if store.find(link.config, link.fingerprint) is not None:
        return "done"
    if (draft := store.started(link.config, link.fingerprint)) is not None:
        steps = checkpoints.steps([p.name for p in draft.glob("step-*") if not p.name.endswith(".writing")])
        resumes = f"resumes at step {steps[-1]:,}" if steps else "resumes after its finished parts"
        return "; ".join([resumes, *asides.changed(link.config, draft, link.name)])
    if link.name not in known:
        return "will run"
    old, new = known[link.name]["identity"], link.identity
    left_out = asides_of(type(link.config))  # notes of former versions may hold them
    before = {key: value for key, value in old["settings"].items() if key not in left_out}
    changed = difference(before, new["settings"], link.name)
    changed += [
        f"the {role} it reads changed"
        for role in new["inputs"]
        if old["inputs"].get(role) != new["inputs"][role]
    ]
    if old["outside"] != new["outside"]:
        changed.append("a file it reads changed")
    if old["format"] != new["format"]:
        changed.append("this version makes it in another way")
    return "will run because " + "; ".join(changed) if changed else "will run: its artefact is gone"


def costs_of(link: Link, store: Store, flow: Mapping[str, Figure]) -> Costs:
    """The costs of one stage, given what flows into it; measured where the work is done."""
    estimate = ESTIMATES.get(type(link.config))
    done, took = store.find(link.config, link.fingerprint), _took(store, link.fingerprint)
    if done and isinstance(link.config, Shard):  # what it read need not be there any more
        costs = Costs({}, memory=_shard_memory(link.config))
    else:
        costs = estimate(link.config, flow) if estimate else Costs({})
    if done is None:
        return costs
    return replace(
        costs,
        amounts={**costs.amounts, **dict(_counted(done))},
        disk=Figure(sum(record.size for record in done.files.values()), "measured"),
        time=Figure(took, "measured") if took is not None else costs.time,
    )


def _counted(done: Artefact) -> Iterator[tuple[str, Figure]]:
    """Amounts in a finished artefact's facts."""
    if done.kind == "shards":
        for name in ("documents", "characters"):
            yield name, Figure(done.facts["train"][name], "measured")
    if done.kind == "tokens":
        yield "tokens", Figure(done.facts["train"]["tokens"], "measured")
        yield "tokens a row", Figure(_mean_row(done.facts["train"]), "measured")
        yield "vocabulary", Figure(done.facts["vocabulary_size"], "measured")


def _mean_row(split: Mapping[str, Any]) -> float:
    return float(split["tokens"] / max(1, split["rows"]))


def _shard(config: Shard, flow: Mapping[str, Figure]) -> Costs:
    read, kept = 0.0, 0.0
    for source in config.sources:
        characters = sum(map(_characters, source.inputs()))
        read += characters
        kept += min(source.weight * characters, source.cap or math.inf)
    amount = Figure(kept, "sampled")
    return Costs(
        {"characters": amount},
        disk=amount.times(SHARD_BYTES_A_CHARACTER),
        memory=_shard_memory(config),
        time=Figure(read / SHARD_CHARACTERS_A_SECOND / _shard_workers(config), "guessed"),
    )


def _characters(each: Input) -> float:
    """Of a file, by its first documents and its size."""
    texts = [d.text for d, _ in zip(each.documents(), range(SAMPLE_DOCUMENTS), strict=False)]
    sampled = sum(len(text.encode()) for text in texts) or 1
    return each.size * sum(map(len, texts)) / sampled


def _shard_workers(config: Shard) -> int:
    """Tasks at once; where a cluster says how many, as on this machine."""
    return config.speed.workers if isinstance(config.speed.workers, int) else os.cpu_count() or 1


def _shard_memory(config: Shard) -> Figure:
    a_worker = SHARD_MEMORY + SHARD_MEMORY_A_RUN * config.speed.run_bytes
    return Figure(_shard_workers(config) * a_worker, "guessed")


def _encode(config: Encode, flow: Mapping[str, Figure]) -> Costs:
    characters = flow.get("characters", Figure(0, "guessed"))
    tokens = characters.times(TOKENS_A_CHARACTER)
    cores = os.cpu_count() or 1
    trained = VOCABULARY if isinstance(config.tokenizer, Loaded) else config.tokenizer.size
    shape = {
        "tokens a row": Figure(config.packing.length * config.packing.filled, "guessed"),
        "vocabulary": Figure(trained, "guessed"),
    }
    return Costs(
        {"tokens": tokens, **shape},
        disk=tokens.times(TOKEN_BYTES),
        memory=Figure(5e8 * cores, "guessed"),
        time=characters.times(1 / ENCODE_CHARACTERS_A_SECOND / cores),
    )


def _lexicon(config: Lexicon, flow: Mapping[str, Figure]) -> Costs:
    return Costs({}, Figure(2e7, "guessed"), Figure(1e9, "guessed"), Figure(LEXICON_SECONDS, "guessed"))


def _train(config: Train, flow: Mapping[str, Figure]) -> Costs:
    rows = config.steps * config.batch
    tokens = rows * flow.get("tokens a row", Figure(ROW, "guessed")).value
    network, generator = _networks(config, flow)
    sizes = {"encoder weights": network.encoder, "embedding weights": network.table}
    if generator.encoder:
        tables = 0.0 if config.generator is None or config.generator.sharing == "tied" else generator.table
        sizes["generator weights"] = generator.encoder + tables
    weights = sum(sizes.values())
    seconds = 6 * tokens * _touched(config, network, generator) / _speed()
    return Costs(
        {
            "steps": Figure(config.steps, "measured"),
            "rows": Figure(rows, "measured"),
            "tokens seen": Figure(tokens, "guessed"),
            **{name: Figure(size, "guessed") for name, size in sizes.items()},
        },
        disk=Figure(weights * 12 * config.keep_last, "guessed"),
        memory=Figure(weights * 16 + 5e8, "guessed"),
        time=Figure(min(seconds, 3600 * config.hours if config.hours else math.inf), "guessed"),
    )


def _networks(config: Train, flow: Mapping[str, Figure]) -> tuple[Size, Size]:
    """The network, or the discriminator, and its generator; those of a stage before that it starts from."""
    if config.start is None or "encoder weights" not in flow:
        return sizes_of(config, flow.get("vocabulary", Figure(VOCABULARY, "guessed")).value)
    encoder, table = flow["encoder weights"].value, flow["embedding weights"].value
    other = flow.get("generator weights", Figure(0.0, "guessed")).value
    return Size(encoder, table), Size(other, table if other else 0.0)


def _touched(config: Train, network: Size, generator: Size) -> float:
    """Weights that a token of a step meets, once for each pass in which it does."""
    adversary = config.adversarial
    cost = adversary.cost(config.steps) if adversary else 1.0
    if config.objectives.pairs_networks:  # the discriminator has no vocabulary; what is written is read again
        again = cost if adversary and not adversary.work.clean else 1.0
        return cost * network.encoder + again * (generator.encoder + HEAD_SHARE * generator.table)
    head = 1.0 if adversary and adversary.everywhere else HEAD_SHARE
    return cost * (network.encoder + head * network.table)


def _finetune(config: Finetune, flow: Mapping[str, Figure]) -> Costs:
    arms = 1 + ("random_init" in config.beside) + (config.start is not None)
    rows = (config.rows or 10_000) * config.epochs * len(config.seeds) * arms
    network = size_at(config.from_pretrained)
    if config.from_pretrained is None and "encoder weights" in flow:
        network = Size(flow["encoder weights"].value, flow["embedding weights"].value)
    operations = 6 * rows * config.length * FILL * network.encoder
    steps = math.ceil((config.rows or 10_000) * config.epochs / config.batch)
    operations *= config.adversarial.cost(steps) if config.adversarial else 1.0
    seconds = operations / _speed() + SCORING_SECONDS * arms * len(config.seeds)
    return Costs(
        {"rows": Figure(rows, "guessed")},
        disk=Figure((network.encoder + network.table) * 4, "guessed"),
        time=Figure(seconds, "guessed"),
    )


ESTIMATES: Mapping[type[StageSettings], Callable[[Any, Mapping[str, Figure]], Costs]] = {
    Shard: _shard,
    Encode: _encode,
    Lexicon: _lexicon,
    Train: _train,
    Finetune: _finetune,
}


def _speed() -> float:
    """Floating-point operations a second of this machine, guessed."""
    import torch

    cards = torch.cuda.device_count()
    return cards * FLOPS_A_GPU if cards else (os.cpu_count() or 1) * FLOPS_A_CORE


def _took(store: Store, fingerprint: str) -> float | None:
    """Seconds that making an artefact took here, over all its attempts; None if not noted."""
    rows = notes.rows(store.root / "times.jsonl")
    seconds = [row["seconds"] for row in rows if row["fingerprint"] == fingerprint]
    return sum(seconds) if seconds else None


def _amounts(costs: Costs) -> str:
    return ", ".join(
        f"{_count(figure.value)} {name} {figure.mark[0]}" for name, figure in costs.amounts.items()
    )


def _count(value: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{value / (1e3 if unit == 'k' else size):,.1f} {unit}"
    return f"{value:,.0f}"


def _size(figure: Figure | None) -> str:
    return "" if figure is None else f"{figure.value / 1e6:,.0f} MB {figure.mark[0]}"


def _time(figure: Figure | None) -> str:
    return "" if figure is None else f"{duration(figure.value)} {figure.mark[0]}"


def duration(seconds: float) -> str:
    """In the unit that suits: `50 s`, `35 min`, `7 h`, `4 days`."""
    for limit, size, unit in TIMES:
        if seconds < limit:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds / 86400:,.0f} days"
