"""Settings of the `finetune` stage: which checkpoint, which labelled rows, which budget, which baselines."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from corpora.labelled import LabelledData
from corpora.places import File
from corpora.settings import Items, Settings, named
from corpora.stage import Aside, Reads, StageSettings
from pretrain.adversarial import Finetuning as Adversary
from pretrain.finetuning.attacks import Attack
from pretrain.finetuning.tasks import Classification, Task
from pretrain.optimizers import AdamW, BertAdam
from tokenization.pretrained import Pretrained

Baseline = Literal["random_init", "tfidf"]
Seed = Annotated[int, Field(ge=0)]

KEPT = (".json", ".txt", ".model", ".safetensors", ".bin")
"""What a Hugging Face folder is read from."""


class FinetuneSpeed(Settings):
    """How the work is done; may change its time and memory, never its result beyond rounding."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` takes the accelerator where there is one."""

    micro_batch: Annotated[int, Field(ge=1)] | None = None
    """Rows at once; the gradients of a step's rows add up. Left out, all of them. Each micro-batch draws
    dropout masks of its own."""

    precision: Literal["fp32", "bf16"] = "fp32"
    """What the network computes in while it learns; bf16: under autocast, its weights stay float32."""


class Finetune(StageSettings):
    """Fine-tune a checkpoint on labelled rows, once for each seed, and score it on held-out rows."""

    makes: ClassVar[str] = "score"
    format: ClassVar[int] = 4

    kind: Literal["finetune"] = "finetune"
    """Fine-tune a checkpoint and score it."""

    model: Annotated[str | None, Reads("export", instead="from_pretrained")] = None
    """The exported checkpoint to start from."""

    from_pretrained: Annotated[Pretrained, named("path")] | None = None
    """In place of `model`, a checkpoint from elsewhere: a Hugging Face folder or hub name."""

    start: Annotated[Pretrained | None, named("path")] = None
    """The checkpoint that training went on from, a Hugging Face folder or hub name: it is fine-tuned too,
    with the same seeds, rows and budget. Did continuing help? The scores tell how much, seed by seed."""

    task: Task = Classification()
    """What the network is to learn."""

    data: LabelledData
    """Labelled rows, and which of them are held out."""

    rows: Annotated[int | None, Field(ge=2)] = None
    """How many training rows to use, drawn by `seed` (the same for all runs and baselines); left out, all."""

    length: Annotated[int, Field(ge=4)] = 128
    """Longest row in tokens, special tokens included. Of a longer one the rest is cut off, or read in further
    windows: the task says which."""

    epochs: Annotated[int, Field(ge=1)] = 3
    """Passes over the training rows; the epoch that does best on the dev rows is the one that is scored,
    without dev rows the last."""

    patience: Annotated[int, Field(ge=1)] | None = None
    """Stop a run when so many epochs in a row did no better on the dev rows; left out, all epochs are run.
    The learning rate falls as if they were."""

    batch: Annotated[int, Field(ge=1)] = 32
    """Rows a step."""

    lr: Annotated[float, Field(gt=0)] = 3e-5
    """Peak learning rate; it falls linearly to 0 at the last step of the last of `epochs`."""

    optimizer: Literal["adamw", "bert_adam"] = "adamw"
    """adamw: with bias correction, for which learning rates of most papers' re-runs are meant. bert_adam:
    without, as in BERT's and ELECTRA's own code; its first steps are several times larger, and short runs on
    few rows may fail to learn (arXiv 2006.05987)."""

    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Each layer learns at the rate of the one above it times this, the head at the full rate, the embeddings
    at the lowest. ELECTRA: 0.8, large 0.9 (arXiv 2003.10555, appendix B)."""

    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the steps in which the learning rate climbs to its peak."""

    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    """Decoupled weight decay; biases and LayerNorm have none."""

    clip: Annotated[float, Field(ge=0)] = 1.0
    """Largest norm of the gradient; 0: no bound."""

    adversarial: Adversary | None = None
    """The adversary that moves the embeddings while the network learns; null: none."""

    seeds: Items[Seed] = (0, 1, 2)
    """One run for each: fresh classifier, order of rows and dropout. Scores are their mean and spread."""

    attacks: Items[Attack] = ()
    """Accuracy under attack, for each: the text of test rows (of a pair, the first) with characters or words
    changed that a person would read over. Of classification alone."""

    lexicon: Annotated[str | None, Reads("lexicon", required=False)] = None
    """Similar words for the attack `synonym`."""

    beside: Items[Baseline] = ()
    """Baselines on the same rows: `random_init` (same network, seeds and budget, no pre-training), `tfidf`
    (character n-grams and logistic regression)."""

    speed: Annotated[FinetuneSpeed, Aside()] = FinetuneSpeed()
    """What changes only the speed."""

    @field_validator("seeds", "beside")
    @classmethod
    def _differ(cls, values: tuple[object, ...]) -> tuple[object, ...]:
        if len(set(values)) < len(values):
            raise ValueError(f"names one twice: {list(values)}; each counts once")
        return values

    @field_validator("seeds")
    @classmethod
    def _some(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if not seeds:
            raise ValueError("is empty; give at least one seed, such as [0, 1, 2]")
        return seeds

    @field_validator("adversarial")
    @classmethod
    def _attacks_all(cls, adversary: Adversary | None) -> Adversary | None:
        if adversary and (adversary.share < 1 or adversary.everywhere):
            raise ValueError(
                "every row is attacked here: rows and scope are for pre-training; leave them out"
            )
        return adversary

    @model_validator(mode="after")
    def _suits_the_task(self) -> "Finetune":
        if "tfidf" in self.beside and self.task.learns_from != "classes":
            raise ValueError(
                f"beside: tfidf knows classes alone, task {self.task.task} has none: leave it out"
            )
        if self.attacks and self.task.learns_from != "classes":
            raise ValueError(
                f"attacks change characters, and the answers of {self.task.task} hang on them: they are for "
                "classification; leave them out"
            )
        names = [attack.name for attack in self.attacks]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"attacks names {twice[0]} twice; each counts once")
        return self

    @model_validator(mode="after")
    def _holds_rows_out(self) -> "Finetune":
        if self.data.test == 0:
            raise ValueError("data.test is 0: a score needs held-out rows, such as test: 0.2")
        return self

    @model_validator(mode="after")
    def _can_start_and_stop(self) -> "Finetune":
        if self.model is not None and self.from_pretrained is not None:
            raise ValueError("one of `model` and `from_pretrained` says what to start from; got both")
        if self.patience and self.data.dev == 0:
            raise ValueError(f"patience {self.patience} needs dev rows to look at: data.dev is 0")
        return self

    def adam(self) -> AdamW | BertAdam:
        """The optimizer."""
        kind = AdamW if self.optimizer == "adamw" else BertAdam
        return kind(lr=self.lr, weight_decay=self.weight_decay, layer_decay=self.layer_decay)

    def outside(self) -> Sequence[File]:
        """The labelled files, and those of folders to start from and to compare with."""
        folders = filter(None, (self.from_pretrained, self.start))
        return *self.data.outside(), *(file for folder in folders for file in folder.files(KEPT))
