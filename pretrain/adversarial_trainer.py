"""`transformers.Trainer`, training against an adversary.

trainer = AdversarialTrainer(
    model, arguments, adversary=FreeLb(steps=3), train_dataset=rows, processing_class=tokenizer
)
trainer.train()
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import Trainer

from corpora.errors import UsageError
from pretrain.adversarial import Adversary
from pretrain.adversarial.attack import Constant
from pretrain.adversarial_training import AdversarialTraining
from pretrain.judge import IGNORED, ModelJudge


class AdversarialTrainer(Trainer):
    """Every batch is learnt by the passes of an adversary; all else is the Trainer's own.

    Losses are those of `compute_loss`; they and the divergences are means over the rows, or labelled tokens,
    of a whole accumulated step. (The Trainer's own are not for every model: of a classifier of rows, version
    5.23 adds up the means of the batches.) With `bf16` or `fp16`, the ascents are run in it as well.
    """

    def __init__(self, *args: Any, adversary: Adversary, **settings: Any) -> None:  # noqa: ANN401 - the Trainer's
        """As the Trainer; which ids are special is asked of `processing_class`.

        Raises:
            UsageError: the adversary updates the weights within a step, or there are several devices.
        """
        super().__init__(*args, **settings)
        if adversary.updates_each_pass:
            raise UsageError(
                f"{type(adversary).__name__} updates the weights after every pass, the Trainer once a step: "
                "put an AdversarialTraining into a loop of your own"
            )
        if self.args.world_size > 1 or self.args.n_gpu > 1:
            raise UsageError("AdversarialTrainer needs one device: start one process, and show it one GPU")
        self.adversary = adversary
        self._training: AdversarialTraining | None = None
        self._met = (-1, 0)  # the last step, and how many of its rows were learnt

    def training_step(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """The gradient of one batch; its loss, added up over the passes."""
        model.train()
        given = self._prepare_inputs(inputs)

        def run() -> tuple[Tensor, Any]:
            loss, said = self.compute_loss(model, dict(given), return_outputs=True)
            return loss, said

        if num_items_in_batch is None:
            share = 1 / self.current_gradient_accumulation_steps
        else:
            share = float((given["labels"] != IGNORED).sum() / num_items_in_batch)
        judge = _Judge(ModelJudge(given), share)
        step, total = self.state.global_step, torch.zeros((), device=self.args.device)
        row = self._met[1] if step == self._met[0] else 0
        for one in self._attacked(model).passes(run, judge, given, step, row):
            self.accelerator.backward(one.loss)
            total += one.loss.detach()
        self._met = (step, row + len(given["input_ids"]))
        return total

    def _attacked(self, model: nn.Module) -> AdversarialTraining:
        """The training, hooked into the model at its first step."""
        if self._training is None:
            special = getattr(self.processing_class, "all_special_ids", ())
            inner = self.accelerator.unwrap_model(model)
            steps, seed = self.state.max_steps, self.args.seed
            self._training = AdversarialTraining(inner, self.adversary, special, steps, seed)
        if (scaler := self.accelerator.scaler) is not None:
            self._training.scale = scaler.get_scale()
        return self._training


class _Judge:
    """What `compute_loss` returns: a loss, and the outputs that divergences are taken from."""

    def __init__(self, inner: ModelJudge, share: float) -> None:
        """Of a batch that is this share of an accumulated step."""
        self._inner, self._share = inner, share

    def loss(self, said: tuple[Tensor, Any]) -> Tensor:
        return said[0] * self._share

    def divergence(self, target: tuple[Tensor, Any], said: tuple[Tensor, Any]) -> Tensor:
        return self._inner.divergence(target[1], said[1]) * self._share

    def symmetric(
        self, one: tuple[Tensor, Any], other: tuple[Tensor, Any], constant: Constant = "each"
    ) -> Tensor:
        return self._inner.symmetric(one[1], other[1], constant) * self._share
