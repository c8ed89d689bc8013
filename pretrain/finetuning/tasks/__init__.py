"""Family of tasks: what a network is fine-tuned for, how answers are scored. Register a new one in `Task`."""

from typing import Annotated, TypeAlias

from pydantic import Field

from corpora.settings import named
from pretrain.finetuning.tasks.classification import Classification
from pretrain.finetuning.tasks.regression import Regression
from pretrain.finetuning.tasks.span_answers import SpanAnswers
from pretrain.finetuning.tasks.tagging import Tagging

Task: TypeAlias = Annotated[
    Annotated[Classification | Regression | Tagging | SpanAnswers, Field(discriminator="task")],
    named("task"),
]

__all__ = ["Classification", "Regression", "SpanAnswers", "Tagging", "Task"]
