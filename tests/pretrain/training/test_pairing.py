"""How a pair begins, goes on, and is exported."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForPreTraining,
    ElectraForMaskedLM,
    ElectraForPreTraining,
)

from corpora.artefact import Artefact, Draft
from corpora.errors import Interrupted, UsageError
from corpora.reporter import Quiet
from pretrain.export import Export, export
from pretrain.finetuning.heads import export_of
from pretrain.networks import weights
from pretrain.networks.towers import Towers
from pretrain.training import checkpoints
from pretrain.training.pairing import first_pair
from pretrain.training.settings import Train
from tests.pretrain.encoders import settings
from tests.pretrain.toys import opened, run, toy_train
from tokenization.tokens import TokenSet

PAIR: dict[str, object] = {
    "model": settings("electra"),
    "objectives": {"electra": 50},
    "masking": "token",
    "replacement": "electra",
    "steps": 4,
    "save_every": 2,
    "evaluate_every": None,
}


class StopAfter(Quiet):
    """A signal after so many looks."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    @property
    def stopping(self) -> bool:  # type: ignore[override]
        self.looks -= 1
        return self.looks == 0


@pytest.fixture(scope="module")
def trained(data: Artefact, tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return run(toy_train(**PAIR), data, tmp_path_factory.mktemp("runs") / "trained")


@pytest.fixture(scope="module")
def folder(trained: Artefact, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained pair, exported."""
    return export_to(tmp_path_factory.mktemp("exports") / "pair", trained).path


def export_to(final: Path, trained: Artefact) -> Artefact:
    draft = Draft.open(final, "export", "toy")
    return draft.commit(export(Export(), {"checkpoint": trained}, draft, Quiet()))


def loaded(made: Artefact) -> Towers:
    found: Towers = weights.load(checkpoints.folder(made))
    return found.eval()


def rows(made: Artefact) -> list[Mapping[str, float]]:
    return [json.loads(line) for line in made.file("log.jsonl").read_text().splitlines()]


def test_what_both_do_is_logged_apart_and_measured_on_held_out_rows(trained: Artefact) -> None:
    figures = ["mlm", "mlm_accuracy", "electra", "electra_accuracy"]
    figures += ["electra_sampled_accuracy", "electra_replaced_share"]
    means, held_out = rows(trained)[-2:]
    assert means["loss"] == pytest.approx(means["mlm"] + 50 * means["electra"])
    for name in figures:
        assert name in means
        assert f"held_out_{name}" in held_out
    assert trained.facts["held_out"] == held_out


@pytest.mark.parametrize(("sharing", "zero"), [("tied", 0), ("gdes", 3)])
def test_a_stopped_run_goes_on_to_the_same_bytes(
    data: Artefact, tmp_path: Path, sharing: str, zero: int
) -> None:
    changes = PAIR | {"generator": {"sharing": sharing}, "speed": {"micro_batch": 3, "zero": zero}}
    wanted = run(toy_train(**changes), data, tmp_path / "wanted")
    with pytest.raises(Interrupted, match="saved after step 2"):
        run(toy_train(**changes), data, tmp_path / "made", StopAfter(2))
    made = run(toy_train(**changes), data, tmp_path / "made")
    assert made.files == wanted.files
    assert loaded(made).sharing == sharing


def test_micro_batches_change_rounding_alone(data: Artefact, tmp_path: Path) -> None:
    still = settings("electra", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    one, other = (
        run(toy_train(**PAIR | {"model": still, "speed": {"micro_batch": size}}), data, tmp_path / str(size))
        for size in (2, 8)
    )
    state = loaded(other).state_dict()
    for name, tensor in loaded(one).state_dict().items():
        torch.testing.assert_close(tensor, state[name], rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize(
    ("name", "generator"),
    [
        ("electra", {"sharing": "gdes"}),
        ("bert", {"width": 0.5}),
        ("deberta-v2", {"width": 1.0, "depth": 0.5}),
    ],
)
def test_both_are_exported_and_go_on(
    data: Artefact, tmp_path: Path, name: str, generator: dict[str, object]
) -> None:
    changes = PAIR | {"model": settings(name), "generator": generator, "steps": 2}
    trained = run(toy_train(**changes), data, tmp_path / "trained")
    made, pair = export_to(tmp_path / "made", trained), loaded(trained)
    ids = torch.tensor([[2, 5, 6, 4, 9, 3]])
    with torch.no_grad():
        states = pair.discriminator.base_model(ids)[0]
        found = AutoModel.from_pretrained(made.path).eval()(ids)
        assert torch.equal(found.last_hidden_state, states)
        other, info = AutoModelForMaskedLM.from_pretrained(made.path / "generator", output_loading_info=True)
        assert not any(info.values())
        assert torch.equal(other.eval()(ids).logits, pair.towers[0](ids).logits)
        if name == "electra":
            both, info = AutoModelForPreTraining.from_pretrained(made.path, output_loading_info=True)
            assert type(both) is ElectraForPreTraining
            assert not any(info.values())
            wanted = pair.discriminator.discriminator_predictions(states)
            said = both.train(False)(ids).logits
            torch.testing.assert_close(said, wanted, rtol=0, atol=1e-6)
    assert isinstance(other, ElectraForMaskedLM) == (name != "deberta-v2")
    told = opened(made)
    assert type(told["model"]).__name__ == made.facts["model"]
    assert type(told["generator"]) is type(other)
    export_of(made)  # has all that fine-tuning needs
    again = {"sharing": generator.get("sharing", "tied"), "from_pretrained": str(made.path / "generator")}
    begun = toy_train(
        **PAIR | {"model": None, "from_pretrained": str(made.path), "generator": again, "steps": 1}
    )
    before, after = pair.folded(), loaded(run(untrained(begun), data, tmp_path / "again")).folded()
    assert all(torch.equal(after[key], value) for key, value in before.items())


def untrained(config: Train) -> Train:
    """The same with a learning rate of nothing."""
    return config.model_copy(update={"optimizer": config.optimizer.model_copy(update={"lr": 0.0})})


def test_the_generator_in_an_exports_folder_goes_on_by_itself(
    data: Artefact, trained: Artefact, folder: Path, tmp_path: Path
) -> None:
    config = toy_train(**PAIR | {"model": None, "from_pretrained": str(folder), "steps": 1})
    assert config.generator_place is not None
    assert {path.parent.name for path in config.outside()} >= {"generator"}
    made = run(untrained(config), data, tmp_path / "made")
    state = loaded(trained).state_dict()
    assert all(torch.equal(value, state[name]) for name, value in loaded(made).state_dict().items())


def test_a_stage_goes_on_with_the_pair_of_another(data: Artefact, trained: Artefact, tmp_path: Path) -> None:
    changes = PAIR | {
        "model": None,
        "start": "other",
        "start_optimizer": True,
        "start_progress": True,
        "steps": 6,
    }
    config = toy_train(**changes)
    made = run(config, data, tmp_path / "made", start=trained)
    assert made.facts["steps"] == 6
    changed = config.model_copy(
        update={"generator": toy_train(**PAIR | {"generator": {"width": 0.5}}).generator}
    )
    with pytest.raises(UsageError, match="go on together: leave `generator` out"):
        run(changed, data, tmp_path / "refused", start=trained)


def test_a_discriminator_begins_as_a_masked_language_model(data: Artefact, tmp_path: Path) -> None:
    plain = run(toy_train(model=settings("bert"), objectives={"mlm": 1}, steps=1), data, tmp_path / "plain")
    changes = PAIR | {"model": None, "start": "plain", "generator": {"width": 0.5}, "steps": 1}
    made = loaded(run(untrained(toy_train(**changes)), data, tmp_path / "made", start=plain))
    network: Any = weights.load(checkpoints.folder(plain))
    before = network.base_model.state_dict()
    after = made.discriminator.base_model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items() if name in after)


# --- bad input -------------------------------------------------------------------------------------------


def test_half_a_pair_is_one_message(data: Artefact, folder: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    shutil.copytree(folder, alone, ignore=shutil.ignore_patterns("generator"))
    given = PAIR | {"model": None, "from_pretrained": str(alone)}
    with pytest.raises(
        UsageError, match=r"alone holds one network, and electra trains two: name a generator"
    ):
        run(toy_train(**given), data, tmp_path / "no-generator")
    swapped = given | {"generator": {"from_pretrained": str(alone)}}
    with pytest.raises(UsageError, match=r"lacks generator_.*: it is no generator, .* was the discriminator"):
        run(toy_train(**swapped), data, tmp_path / "swapped")


def test_a_pair_of_two_trainings_cannot_be_tied(data: Artefact, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(folder / "generator", other)
    model = ElectraForMaskedLM.from_pretrained(other)
    with torch.no_grad():
        model.electra.embeddings.word_embeddings.weight += 1
    model.save_pretrained(other)
    given = PAIR | {"model": None, "from_pretrained": str(folder), "steps": 1}
    with pytest.raises(
        UsageError, match=r"the embeddings in .*other are not those in .*: set generator.sharing"
    ):
        run(toy_train(**given | {"generator": {"from_pretrained": str(other)}}), data, tmp_path / "tied")
    apart = {"from_pretrained": str(other), "sharing": "gdes"}
    made = run(untrained(toy_train(**given | {"generator": apart})), data, tmp_path / "gdes")
    table = "electra.embeddings.word_embeddings.weight"
    wanted = ElectraForPreTraining.from_pretrained(folder).state_dict()[table]
    torch.testing.assert_close(loaded(made).folded()[table], wanted)


def test_tokenizers_that_differ_are_one_message(data: Artefact, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(folder / "generator", other)
    tokenizer = json.loads((other / "tokenizer.json").read_text())
    words = tokenizer["model"]["vocab"]
    first, second = sorted(words, key=lambda word: int(words[word]))[-2:]
    words[first], words[second] = words[second], words[first]
    (other / "tokenizer.json").write_text(json.dumps(tokenizer))
    given = PAIR | {
        "model": None,
        "from_pretrained": str(folder),
        "generator": {"from_pretrained": str(other)},
    }
    with pytest.raises(UsageError, match=r"other speaks the ids of vocabulary .*, the token set those of"):
        run(toy_train(**given), data, tmp_path / "made")


def test_a_uniform_generator_trains_and_wants_a_token_for_every_row(data: Artefact, tmp_path: Path) -> None:
    config = toy_train(**PAIR | {"generator": {"uniform": True}, "steps": 1})
    made = run(config, data, tmp_path / "made")
    assert made.facts["parameters"] == loaded(made).num_parameters()
    tokens = TokenSet.open(data, "train")
    tokens.vocabulary = replace(tokens.vocabulary, empty_ids=(tokens.vocabulary.size - 1,))
    with pytest.raises(UsageError, match=r"would draw the 1 rows that have no token: leave .*pad_to out"):
        first_pair(config, {"data": data}, tokens, Quiet())


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"objectives": {"mlm": 1.0}, "generator": {"width": 0.5}}, "add {electra: 50} to objectives"),
        ({"objectives": {"electra": 50, "sop": 1.0}}, "no sentence-pair head: leave sop and nsp out"),
        ({"head_warmup": 100}, "electra's learn with their networks: leave it out"),
    ],
)
def test_settings_that_need_another_number_of_networks(changes: dict[str, object], hint: str) -> None:
    with pytest.raises(ValidationError, match=hint):
        toy_train(**PAIR | changes)
