"""Family of tasks: what a network is fine-tuned for, how answers are scored. Register a new one in `Task`."""

from typing import Annotated

from corpora.settings import named
from pretrain.finetuning.tasks.classification import Classification

Task = Annotated[Classification, named("task")]

__all__ = ["Classification", "Task"]
