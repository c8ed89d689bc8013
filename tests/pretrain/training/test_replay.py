import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from corpora.artefact import Artefact, Draft
from corpora.errors import CorruptArtefact, Diverged, UsageError
from pretrain.__main__ import main
from pretrain.batch import Batch
from pretrain.networks.network import Network
from pretrain.networks.perturbing import Shift
from pretrain.objectives.terms import Outputs
from pretrain.training import bundle, checkpoints
from pretrain.training.material import open_loader
from pretrain.training.replay import Finding, replay
from tests.pretrain.toys import NETWORK, NO_DROPOUT, run, toy_train

DROPOUT = {"hidden_dropout_prob": 0.3, "attention_probs_dropout_prob": 0.3}


def diverged(data: Artefact, final: Path, **changes: object) -> Path:
    """The bundle of a run that diverges."""
    with pytest.raises(Diverged, match="maskwright replay") as error:
        run(toy_train(**changes), data, final)
    (folder,) = final.with_name(final.name + ".partial").glob("diverged-*")
    assert str(folder) in str(error.value)
    return folder


def checkpoint_with(data: Artefact, folder: Path, **values: float) -> str:
    """A network of one step's training with another value in its tensors' first columns.

    Of the table of segments it is the vector of segment B alone.
    """
    made = run(toy_train(model=NETWORK | NO_DROPOUT, steps=1, save_every=1), data, folder / "first")
    place = Path(shutil.copytree(checkpoints.folder(made), folder / "hurt"))
    weights = load_file(place / "model.safetensors")
    for name, value in values.items():
        (found,) = (tensor for key, tensor in weights.items() if name in key)
        found.view(-1, found.shape[-1])[1 if "token_type" in name else 0 :, 0] = value
    save_file(weights, place / "model.safetensors", {"format": "pt"})
    return str(place)


def test_a_bundle_says_what_the_steps_were(data: Artefact, tmp_path: Path) -> None:
    folder = diverged(
        data, tmp_path / "made", optimizer={"name": "adamw", "lr": 1e30}, patience=3, save_every=1
    )
    kept = bundle.read(folder)
    config = toy_train(optimizer={"name": "adamw", "lr": 1e30}, patience=3, save_every=1)
    assert type(config).model_validate(dict(kept.settings)) == config
    assert kept.steps == [2, 3, 4]
    assert (kept.world, kept.micro_batch, kept.checkpoint) == (1, 3, 3)
    assert kept.inputs == {"data": str(data.path)}
    assert kept.rows.keys() == {"2", "3", "4"}
    assert kept.documents.keys() == {str(row) for rows in kept.rows.values() for row in rows}
    row = kept.rows["2"][0]
    assert kept.documents[str(row)] == [f"train-00000: document {row}"]


def test_the_rows_and_the_module_of_the_first_bad_number_are_found(data: Artefact, tmp_path: Path) -> None:
    """The vectors of positions and that of segment B are too long for their sum to be a number."""
    hurt = checkpoint_with(data, tmp_path, position_embeddings=3e38, token_type_embeddings=3e38)
    config = toy_train(model=None, from_pretrained=hurt, patience=1)
    folder = diverged(data, tmp_path / "made", model=None, from_pretrained=hurt, patience=1)
    kept, step, found = replay(folder)
    batches = open_loader(config, {"data": data}, "train").window(step - 1, 0, 1, 3).batches
    expected = [batch.samples[(batch.token_type_ids == 1).any(1)].tolist() for batch in batches]
    first = next(number for number, rows in enumerate(expected) if rows)
    assert found == Finding("input of bert.embeddings.LayerNorm", tuple(expected[first]), 0, first + 1)
    assert any(len(rows) < len(batch.samples) for rows, batch in zip(expected, batches, strict=True))
    assert step == kept.steps[0]


def test_weights_that_are_none_are_told_apart(data: Artefact, tmp_path: Path) -> None:
    hurt = checkpoint_with(data, tmp_path, **{"seq_relationship.bias": float("nan")})
    folder = diverged(data, tmp_path / "made", model=None, from_pretrained=hurt, patience=1)
    assert replay(folder)[2] == replay(folder, 1)[2]
    found = replay(folder)[2]
    assert found
    assert (found.where, found.rank) == ("weights before the step, model.cls.seq_relationship.bias", None)


def test_a_loss_that_overflows_is_told_apart(
    data: Artefact, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heavy = {"mlm": {"weight": 1e38}, "sop": {"weight": 1e37}}
    folder = diverged(data, tmp_path / "made", objectives=heavy, patience=2)
    found = replay(folder)[2]
    assert found
    assert found.where in ("loss of mlm, weighted", "loss of sop, weighted", "gradient")
    assert main(["replay", str(folder), "--step", "2"]) == 0
    said = capsys.readouterr().out
    assert "step 2: 8 rows, micro-batches of 3" in said
    assert "the first number that is none: " in said
    assert main(["replay", str(folder), "--step", "5"]) == 2


@pytest.mark.parametrize("adversary", [{"method": "alum", "rows": 0.5, "health_every": 0}, "freelb"])
def test_the_adversary_of_then_is_met_again(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, adversary: object
) -> None:
    """Perturbations and logits of all passes are the same bits, in the same order."""
    from pretrain.engine.deepspeed import Engine

    seen: list[torch.Tensor] = []
    forward = Network.forward

    def watched(self: Network, batch: Batch, shift: Shift | None = None) -> Outputs:
        said = forward(self, batch, shift)
        if self.training:
            delta = [] if shift is None or shift.delta is None else [shift.delta]
            seen.extend(each.detach().clone() for each in (*delta, said.tokens))
        return said

    monkeypatch.setattr(Network, "forward", watched)
    with monkeypatch.context() as patch:
        patch.setattr(Engine, "update", lambda *_: float("nan"))
        folder = diverged(data, tmp_path / "made", patience=1, model=NETWORK | DROPOUT, adversarial=adversary)
    then, seen = seen, []
    assert replay(folder)[2] is None
    assert len(seen) == len(then) > 9  # three micro-batches, more than one pass each
    assert all(torch.equal(one, other) for one, other in zip(seen, then, strict=True))


def test_a_number_that_is_none_where_embeddings_are_moved_is_told_so(data: Artefact, tmp_path: Path) -> None:
    """Perturbed so far, queries and keys have no finite product; without the adversary, all is well."""
    far = {"unit": "absolute", "norm": "linf", "step_size": 1e38, "epsilon": 1e38, "health_every": 0}
    folder = diverged(data, tmp_path / "made", patience=1, adversarial={"method": "alum", **far})
    found = replay(folder)[2]
    assert found
    assert found.where.endswith(" with embeddings moved")
    assert (found.rank, found.micro_batch) == (0, 1)


def test_what_does_not_fail_again_is_said(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pretrain.engine.deepspeed import Engine

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "update", lambda *_: float("nan"))
        folder = diverged(data, tmp_path / "made", patience=2, model=NETWORK | DROPOUT)
    assert replay(folder)[2] is None
    assert main(["replay", str(folder)]) == 0
    assert "all numbers are finite here" in capsys.readouterr().out


def test_a_run_that_gets_past_it_ends_without_bundles(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pretrain.engine.deepspeed import Engine

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "update", lambda *_: float("nan"))
        for _ in range(2):
            diverged(data, tmp_path / "made", patience=2)
    made, undisturbed = (run(toy_train(patience=2), data, tmp_path / name) for name in ("made", "other"))
    assert made.files == undisturbed.files


def test_a_damaged_bundle_is_refused(data: Artefact, tmp_path: Path) -> None:
    folder = diverged(data, tmp_path / "made", optimizer={"name": "adamw", "lr": 1e30}, patience=2)
    values = json.loads((folder / bundle.FILE).read_text())
    (folder / bundle.FILE).write_text(json.dumps(values))
    with pytest.raises(CorruptArtefact, match=r"bundle\.json"):
        replay(folder)
    with pytest.raises(UsageError, match=r"is no bundle \(it has no bundle.json\): give the folder that"):
        replay(tmp_path)
    alone = shutil.copytree(folder, tmp_path / "elsewhere" / "diverged-00000003")
    with pytest.raises(UsageError, match="elsewhere holds no journal"):
        replay(Path(alone))
    with Draft.open(tmp_path / "tokens", "tokens", "x").fill("diverged-00000001") as place:
        shutil.copytree(folder, place)
    with pytest.raises(UsageError, match="holds 'tokens', but a draft of 'checkpoint'"):
        replay(tmp_path / "tokens.partial" / "diverged-00000001")
