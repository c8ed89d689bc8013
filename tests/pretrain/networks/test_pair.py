"""A step of ELECTRA, beside the same in plain float64; and what holds of any pair."""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, embedding, gelu, layer_norm

from pretrain import randomness
from pretrain.adversarial import Alum, Pgd
from pretrain.batch import Batch, Window
from pretrain.networks.generators import Sharing
from pretrain.networks.layout import Layout
from pretrain.networks.pair import beginnings, replaced
from pretrain.objectives.electra import Electra
from pretrain.optimizers import BertAdam
from pretrain.step import train_step
from pretrain.training.tally import figures
from tests.pretrain.pairs import OBJECTIVES, pair, uniform_pair
from tests.pretrain.toys import toy_batch, toy_engine, toy_window
from tests.tokenization.making import SIZE

MASK = 4


def masked(batch: Batch) -> Batch:
    """With [MASK] at the positions to predict, every third left as it was."""
    ids = batch.input_ids.clone().flatten()
    ids[batch.masked_positions] = torch.where(
        torch.arange(len(batch.masked_positions)) % 3 > 0, MASK, batch.masked_targets
    )
    return dataclasses.replace(batch, input_ids=ids.view_as(batch.input_ids))


def window(step: int, *batches: Batch) -> Window:
    return toy_window(step, *map(masked, batches))


# --- plain float64 ---------------------------------------------------------------------------------------


def linear(state: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def norm(state: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    return layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"], 1e-12)


def encode(state: Mapping[str, Tensor], at: str, ids: Tensor, segments: Tensor, heads: int) -> Tensor:
    """One row of real tokens through an ELECTRA of one layer, (tokens, hidden)."""
    table, places, kinds = (
        state[f"{at}.embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type")
    )
    words = embedding(ids, table, 0)  # as transformers has it, the vector of [PAD] learns from no input
    x = norm(state, f"{at}.embeddings.LayerNorm", words + places[: len(ids)] + kinds[segments])
    if f"{at}.embeddings_project.weight" in state:
        x = linear(state, f"{at}.embeddings_project", x)
    layer = f"{at}.encoder.layer.0"
    q, k, v = (
        linear(state, f"{layer}.attention.self.{name}", x).view(len(ids), heads, -1).transpose(0, 1)
        for name in ("query", "key", "value")
    )
    seen = (q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])).softmax(-1) @ v
    attended = linear(state, f"{layer}.attention.output.dense", seen.transpose(0, 1).reshape(len(ids), -1))
    x = norm(state, f"{layer}.attention.output.LayerNorm", attended + x)
    inner = gelu(linear(state, f"{layer}.intermediate.dense", x))
    return norm(state, f"{layer}.output.LayerNorm", linear(state, f"{layer}.output.dense", inner) + x)


def draw(logits: Tensor, key: int, place: int) -> int:
    """The id that one uniform number falls on."""
    ends = np.cumsum(logits.softmax(-1).detach().numpy())
    return int(np.searchsorted(ends, randomness.uniform(np.uint64(np.int64(key)), place), side="right"))


def reference_loss(state: Mapping[str, Tensor], batches: tuple[Batch, ...]) -> tuple[Tensor, Tensor]:
    """Both means over the whole window, row by row."""
    words, tokens = [], []
    for batch in batches:
        width, masks = batch.input_ids.shape[1], dict(enumerate(batch.masked_positions.tolist()))
        for row, ids in enumerate(batch.input_ids):
            real = int(batch.attention_mask[row].sum())
            here = [(place % width, number) for number, place in masks.items() if place // width == row]
            ids, segments = ids[:real], batch.token_type_ids[row, :real]
            states = encode(state, "generator.electra", ids, segments, 1)
            corrupted, labels = ids.clone(), torch.zeros(real, dtype=torch.float64)
            for place, number in here:
                head = gelu(linear(state, "generator.generator_predictions.dense", states[place]))
                head = norm(state, "generator.generator_predictions.LayerNorm", head)
                table = state["discriminator.electra.embeddings.word_embeddings.weight"]
                logits = head @ table.T + state["generator.generator_lm_head.bias"]
                target = batch.masked_targets[number]
                words.append(cross_entropy(logits[None], target[None]))
                corrupted[place] = draw(logits, int(batch.noise[row]), place)
                labels[place] = float(corrupted[place] != target)
            states = encode(state, "discriminator.electra", corrupted, segments, 2)
            head = gelu(linear(state, "discriminator.discriminator_predictions.dense", states))
            found = linear(state, "discriminator.discriminator_predictions.dense_prediction", head)[:, 0]
            tokens.append(binary_cross_entropy_with_logits(found, labels, reduction="none"))
    return torch.stack(words).mean(), torch.cat(tokens).mean()


def test_one_step_equals_an_independent_float64_computation() -> None:
    """Loss, gradient norm, and weights after BERT's Adam, whose first step is of 3e-3, tied tensors too."""
    network, optimizer = pair(), BertAdam(lr=1e-3, weight_decay=0.1)
    leaves = {p: p.detach().double().clone().requires_grad_() for p in network.model.parameters()}
    named = network.model.named_parameters(remove_duplicate=False)
    state = {name: leaves[p] for name, p in named}
    one = window(0, toy_batch(4, 0, masked=9), toy_batch(2, 1, masked=2))
    mlm, electra = reference_loss(state, one.batches)
    (mlm + 50 * electra).backward()  # type: ignore[no-untyped-call]
    gradients = {p: leaf.grad for p, leaf in leaves.items() if leaf.grad is not None}
    total, mlm, electra = (
        x.detach() for x in (torch.stack([g.norm() for g in gradients.values()]).norm(), mlm, electra)
    )
    wanted = {}
    for p, leaf in leaves.items():
        step = leaf.grad * min(1.0, 1.0 / float(total)) if leaf.grad is not None else torch.zeros_like(leaf)
        decay = 0.1 * leaf if leaf.ndim > 1 else 0.0
        wanted[p] = leaf - 1e-3 * (0.1 * step / ((0.001 * step**2).sqrt() + 1e-6) + decay)
    said = train_step(toy_engine(network, clip=1.0, optimizer=optimizer), one, OBJECTIVES, 1e-3, seed=0)
    assert said.losses["mlm"] / 11 == pytest.approx(float(mlm), rel=1e-5)
    assert said.losses["electra"] / said.counts["electra"] == pytest.approx(float(electra), rel=1e-5)
    assert said.counts == {"mlm": 11, "electra": one.real_tokens}
    assert said.norm == pytest.approx(float(total), rel=1e-4)
    for name, parameter in network.model.named_parameters():
        torch.testing.assert_close(parameter.double(), wanted[parameter], rtol=1e-4, atol=1e-6, msg=name)


# --- what holds of any pair -------------------------------------------------------------------------------


@pytest.mark.parametrize("sharing", ["tied", "gdes", "untied"])
@pytest.mark.parametrize("name", ["electra", "deberta-v2"])
def test_the_discriminators_loss_teaches_the_generator_nothing(name: str, sharing: Sharing) -> None:
    network, batch = pair(name, sharing), masked(toy_batch(4, 0))
    OBJECTIVES["electra"].term(network(batch), batch).loss.backward()  # type: ignore[no-untyped-call]
    generator = network.model.generator
    assert generator is not None
    shared = {id(p) for p in network.model.discriminator.parameters()}
    for parameter in generator.parameters():
        assert parameter.grad is None or id(parameter) in shared
    words = generator.get_input_embeddings().weight
    assert (words.grad is not None) == (sharing == "tied")


def test_the_discriminator_reads_the_text_but_for_what_was_drawn() -> None:
    network, batch = pair(), masked(toy_batch(4, 0, masked=9))
    seen: list[Tensor] = []
    network.model.discriminator.base_model.embeddings.register_forward_pre_hook(
        lambda module, given, named: seen.append(named["input_ids"]), with_kwargs=True
    )
    outputs = network(batch)
    assert outputs.detections is not None
    real = batch.attention_mask.flatten()
    text = batch.input_ids.flatten().index_put((batch.masked_positions,), batch.masked_targets)[real]
    drawn = network.draw(outputs.tokens, batch)
    written = batch.input_ids.flatten().index_put((batch.masked_positions,), drawn)[real]
    assert torch.equal(seen[0].flatten(), written)  # end to end, no pads
    assert torch.equal(outputs.detections.replaced, written != text)  # against the text, not what was shown
    assert outputs.detections.logits.shape == written.shape


def test_a_token_is_judged_beside_the_first_of_its_document() -> None:
    batch = toy_batch(2, 0, masked=2, width=6)
    positions = torch.tensor([[0, 1, 2, 0, 1, 0], [0, 1, 2, 0, 0, 0]])  # three documents; one, and padding
    real = torch.tensor([[True] * 6, [True] * 3 + [False] * 3])
    batch = dataclasses.replace(batch, position_ids=positions, attention_mask=real)
    assert beginnings(batch).tolist() == [0, 0, 0, 3, 3, 5, 6, 6, 6]


def test_a_token_that_is_drawn_rightly_is_one_of_the_text() -> None:
    batch = masked(toy_batch(4, 0))
    assert not replaced(batch, batch.masked_targets).any()
    assert int(replaced(batch, batch.masked_targets + 1).sum()) == len(batch.masked_targets)


def many(rows: int, seed: int = 0) -> Batch:
    """Rows in which half of the tokens are to be predicted."""
    return masked(toy_batch(rows, seed, masked=rows * 7))


def test_the_label_rate_is_the_mask_rate_times_the_share_of_wrong_draws() -> None:
    network, batch = pair(), many(200)
    with torch.no_grad():
        for parameter in network.model.parameters():
            parameter.mul_(0.7)  # a generator that is sometimes right
        outputs = network(batch)
    chances = outputs.tokens.double().softmax(-1).gather(1, batch.masked_targets[:, None])
    asked, real = len(batch.masked_targets), int(batch.attention_mask.sum())
    assert outputs.detections is not None
    rate = float(outputs.detections.replaced.double().mean())
    expected = float((1 - chances).sum()) / real
    spread = math.sqrt(float((chances * (1 - chances)).sum())) / real
    assert abs(rate - expected) < 4 * spread
    term = OBJECTIVES["electra"].term(outputs, batch)
    sums = dict(zip(Electra.counted, term.sums()[2:].tolist(), strict=True))
    told = figures(OBJECTIVES, sums, {"electra": real})
    assert told["electra_replaced_share"] == pytest.approx(rate)
    assert rate == pytest.approx(asked / real * (1 - told["electra_sampled_accuracy"]))


def test_precision_and_recall_are_those_of_replaced_tokens() -> None:
    sums = {"asked": 10.0, "replaced": 8.0, "suspected": 4.0, "found": 3.0}
    told = figures(OBJECTIVES, sums, {"electra": 100})
    assert told == pytest.approx(
        {
            "electra_replaced_share": 0.08,
            "electra_sampled_accuracy": 0.2,
            "electra_precision": 0.75,
            "electra_recall": 0.375,
        }
    )
    nothing = dict.fromkeys(sums, 0.0)
    assert figures(OBJECTIVES, nothing, {"electra": 100}) == {"electra_replaced_share": 0.0}


def test_a_uniform_generator_is_wrong_but_for_one_in_the_vocabulary() -> None:
    network, batch = uniform_pair(), many(900)
    logits = network.generate(batch)
    wrong = network.draw(logits, batch) != batch.masked_targets
    asked, rate = len(wrong), float(wrong.double().mean())
    spread = math.sqrt((1 - 1 / SIZE) / SIZE / asked)
    assert abs(rate - (1 - 1 / SIZE)) < 4 * spread
    step = train_step(toy_engine(network), window(0, toy_batch(4, 0)), OBJECTIVES, 1e-3, seed=0)
    assert step.losses["mlm"] / 5 == pytest.approx(math.log(SIZE))


def test_correct_draws_can_be_forbidden() -> None:
    network, batch = pair(asked=Electra(disallow_correct=True)), many(50)
    with torch.no_grad():
        assert (network.draw(network.generate(batch), batch) != batch.masked_targets).all()


def test_a_draw_belongs_to_its_row_whatever_stands_beside_it() -> None:
    network, batch = pair(), masked(toy_batch(6, 0, masked=20))
    with torch.no_grad():
        together = network.draw(network.generate(batch), batch)
        rows = batch.masked_positions // 16
        alone = [network.draw(network.generate(one), one) for one in (take(batch, row) for row in range(6))]
    assert torch.equal(torch.cat(alone), together)
    assert torch.bincount(rows).max() > 1  # several draws of one row, which differ
    assert len(set(together.tolist())) > 3


def take(batch: Batch, row: int) -> Batch:
    """One row of a batch."""
    width, fields = batch.input_ids.shape[1], dataclasses.fields(batch)
    here = batch.masked_positions // width == row
    kept = {
        field.name: getattr(batch, field.name)[row : row + 1]
        for field in fields
        if "masked" not in field.name
    }
    kept |= {"masked_positions": batch.masked_positions[here] - row * width}
    return Batch(**kept, masked_targets=batch.masked_targets[here])


def test_both_layouts_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    network, batch = pair(), masked(toy_batch(4, 0))
    joined = network(batch)
    monkeypatch.setattr(Layout, "_end_to_end", lambda self, batch: False)
    apart = network(batch)
    torch.testing.assert_close(joined.detections.logits, apart.detections.logits, rtol=1e-5, atol=1e-5)
    assert torch.equal(joined.detections.replaced, apart.detections.replaced)


@pytest.mark.parametrize(("sharing", "stages"), [("tied", (0, 1, 2, 3)), ("gdes", (0, 3))])
def test_every_zero_stage_learns_the_same_and_keeps_what_is_tied(
    sharing: Sharing, stages: tuple[int, ...]
) -> None:
    weights: list[Mapping[str, Tensor]] = []
    steps = [window(n, toy_batch(4, 2 * n), toy_batch(3, 2 * n + 1)) for n in range(2)]
    for zero in stages:
        network = pair(sharing=sharing)
        tied, engine = network.model.all_tied_weights_keys, toy_engine(network, zero)
        assert all(train_step(engine, one, OBJECTIVES, 1e-3, seed=0).applied for one in steps)
        assert network.model.all_tied_weights_keys == tied
        weights.append(engine.weights())
        assert all(torch.equal(weights[-1][one], weights[-1][other]) for one, other in tied.items())
        for name, tensor in weights[-1].items():
            torch.testing.assert_close(tensor, weights[0][name], rtol=1e-4, atol=1e-5, msg=name)


def test_half_precision_draws_and_judges_in_float32() -> None:
    network, batch = pair(precision="bf16"), masked(toy_batch(4, 0))
    outputs = network(batch)
    term = OBJECTIVES["electra"].term(outputs, batch)
    assert term.loss.dtype == torch.float32
    assert outputs.tokens.dtype == torch.bfloat16
    term.loss.backward()  # type: ignore[no-untyped-call]
    assert all(p.dtype == torch.float32 for p in network.parameters())


def test_what_is_drawn_depends_on_the_row_and_its_place() -> None:
    network, batch = pair(), masked(toy_batch(4, 0))
    same: NDArray[np.int64] = np.zeros(4, np.int64)
    logits = torch.zeros(len(batch.masked_targets), SIZE)
    first = network.draw(logits, batch)
    assert torch.equal(first, network.draw(logits, batch))
    other = network.draw(logits, dataclasses.replace(batch, noise=torch.from_numpy(same)))
    assert not torch.equal(first, other)


# --- against an adversary ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("sharing", "rows"), [("tied", 1.0), ("gdes", 0.5)])
def test_alum_moves_the_discriminator_and_leaves_the_generator_alone(sharing: Sharing, rows: float) -> None:
    adversary, one = Alum(rows=rows, noise_scale=0.05, health_every=1), window(0, toy_batch(4, 0, masked=9))
    steps, gradients = [], []
    for each in (None, adversary):
        network = pair(sharing=sharing)
        network.open_to(adversary.level)
        engine = toy_engine(network, clip=0.0)
        steps.append(train_step(engine, one, OBJECTIVES, 0.0, 0, each))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine, "update", lambda rate: 1.0)
            train_step(engine, one, OBJECTIVES, 0.0, 0, each)
        gradients.append({name: p.grad for name, p in network.model.named_parameters()})
    plain, moved = steps
    assert moved.losses == pytest.approx(plain.losses)
    assert moved.more == plain.more  # all passes met the same draw
    assert moved.noted["kl_zero"] < 1e-6
    assert moved.noted["kl_delta"] > moved.noted["kl_random"] > 0
    for name, gradient in gradients[0].items():
        if name.startswith("generator.electra.encoder"):
            torch.testing.assert_close(gradient, gradients[1][name], msg=name)
    head = "discriminator.discriminator_predictions.dense.weight"
    one_way, other = gradients[0][head], gradients[1][head]
    assert one_way is not None
    assert other is not None
    assert not torch.allclose(one_way, other, rtol=1e-3)


def test_both_learn_where_only_the_perturbed_pass_is_learnt_from() -> None:
    network, adversary = pair(), Pgd(steps=2)
    network.open_to(adversary.level)
    engine = toy_engine(network)
    before = engine.weights()
    assert train_step(engine, window(0, toy_batch(4, 0)), OBJECTIVES, 1e-3, 0, adversary).applied
    name = "generator.electra.encoder.layer.0.output.dense.weight"
    assert not torch.equal(engine.weights()[name], before[name])
