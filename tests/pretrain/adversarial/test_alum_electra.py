"""ALUM on ELECTRA: the discriminator's predictions are regularised, the generator's are not."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from pretrain.adversarial import Alum, Pgd
from pretrain.engine.deepspeed import Engine
from pretrain.micro_batch import MicroBatch
from pretrain.objectives import Objectives
from pretrain.step import train_step
from tests.pretrain.pairs import pair
from tests.pretrain.toys import toy_batch, toy_engine, toy_window

OBJECTIVES = Objectives.model_validate({"mlm": 1.0, "electra": 50.0}).active()


def opened(adversary: Alum | Pgd, zero: int = 0) -> Engine:
    network = pair("bert")
    network.open_to(adversary.level)
    return toy_engine(network, zero)


def test_the_divergence_is_bernoullis_over_all_tokens_of_one_draw() -> None:
    alum, batch = Alum(), toy_batch(4, 0)
    window, engine = toy_window(0, batch), opened(Alum())
    attack = MicroBatch(engine, batch, window, OBJECTIVES, alum, (0, 0))
    clean = attack.outputs()
    moved = attack.outputs(0.5 * attack.noise("normal", "start"))
    assert clean.outputs.detections is not None
    assert moved.outputs.detections is not None
    assert torch.equal(clean.outputs.detections.replaced, moved.outputs.detections.replaced)
    one, other = (each.outputs.detections.logits.double() for each in (clean, moved))  # type: ignore[union-attr]

    def kl(p: Tensor, q: Tensor) -> Tensor:
        on, off = p.sigmoid(), (-p).sigmoid()
        return (on * (logsigmoid(p) - logsigmoid(q)) + off * (logsigmoid(-p) - logsigmoid(-q))).sum()

    wanted = 50 * (kl(one, other) + kl(other, one)) / window.real_tokens
    assert attack.symmetric(clean, moved).item() == pytest.approx(wanted.item(), rel=1e-3)


PGD = Pgd(steps=1, unit="absolute", step_size=0.1, epsilon=0.3)  # under ZeRO 3 no word table is whole


@pytest.mark.parametrize("adversary", [Alum(health_every=1), Alum(rows=0.5, health_every=1), PGD])
def test_zero_stages_agree(adversary: Alum | Pgd) -> None:
    window = toy_window(0, toy_batch(4, 0), toy_batch(3, 1))
    found = [train_step(opened(adversary, zero), window, OBJECTIVES, 1e-2, 0, adversary) for zero in (0, 3)]
    assert all(step.applied for step in found)
    assert found[0].norm == pytest.approx(found[1].norm, rel=1e-4)
    assert found[0].noted == pytest.approx(found[1].noted, rel=1e-3, abs=1e-9)
