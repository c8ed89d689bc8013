"""A network that goes on with more words than it knew, from text to export."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from corpora.artefact import Artefact, Draft
from corpora.errors import UsageError
from corpora.reporter import Quiet
from corpora.stage import Report
from pretrain.export import Export, export
from pretrain.networks.network import Model, build
from pretrain.training import checkpoints
from tests.corpora.making import write_shards
from tests.pretrain.toys import NETWORK, run, toy_train
from tests.tokenization.making import SIZE, save_tokenizer
from tokenization.encoding import Encode, encode
from tokenization.tokens import TokenSet

TEXT = "我爱北京。他在北京大学读书，我用 abcdef 看书。" * 20
TINY = {
    "model": None,
    "head_warmup": 0,
    "steps": 1,
    "batch": 2,
    "optimizer": {"name": "adamw", "lr": 1e-12},
    "objectives": {"mlm": 1.0},
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with its tokenizer, as others publish one."""
    folder = save_tokenizer(tmp_path_factory.mktemp("base") / "bert")
    model = build(Model.model_validate(NETWORK), SIZE, 0, pairs=False, seed=3)
    torch.nn.init.normal_(model.cls.predictions.bias)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    draft = Draft.open(tmp_path_factory.mktemp("shards") / "done", "shards", "hand-made")
    write_shards(draft, "train", [TEXT], in_file=1)
    nothing = {"documents": 0, "characters": 0}
    return draft.commit(
        Report("", {"train": {"documents": 1, "characters": len(TEXT)}, "validation": nothing})
    )


def encoded(base: Path, shards: Artefact, place: Path, **changes: object) -> Artefact:
    place.mkdir()
    (place / "terms.txt").write_text("abcdef\n北京大学\n", "utf-8")
    tokenizer = {
        "path": str(base),
        "extend": {"choose": "listed", "file": str(place / "terms.txt")},
    } | changes
    settings = {"tokenizer": tokenizer, "packing": {"kind": "full_sentences", "length": 48}, "seed": 0}
    config = Encode.model_validate(settings | {"speed": {"workers": 1}})
    draft = Draft.open(place / "tokens", "tokens", "test")
    return draft.commit(encode(config, {"shards": shards}, draft, Quiet()))


def test_new_words_are_trained_from_the_mean_of_their_pieces(
    base: Path, shards: Artefact, tmp_path: Path
) -> None:
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    tokens = encoded(base, shards, tmp_path / "encode", pad_to=64)
    extension = TokenSet.open(tokens).vocabulary.extension
    assert extension is not None
    trained = run(toy_train(**TINY, from_pretrained=str(base)), tokens, tmp_path / "train")
    before, after = (
        load_file(base / "model.safetensors"),
        load_file(trained.file("step-00000001/model.safetensors")),
    )
    assert after["bert.embeddings.word_embeddings.weight"].shape[0] == 64
    for name in ("bert.embeddings.word_embeddings.weight", "cls.predictions.bias"):
        torch.testing.assert_close(after[name][:SIZE], before[name], rtol=0, atol=1e-9)
        for number, spelling in extension.rows:
            torch.testing.assert_close(after[name][number], before[name][list(spelling)].mean(0))

    draft = Draft.open(tmp_path / "export", "export", "test")
    made = draft.commit(export(Export(), {"checkpoint": trained}, draft, Quiet())).path
    model, tokenizer = AutoModelForMaskedLM.from_pretrained(made), AutoTokenizer.from_pretrained(made)
    assert (model.config.vocab_size, len(tokenizer)) == (64, SIZE + 2)
    assert tokenizer.tokenize("我用abcdef") == ["我", "[UNK]", "abcdef"]
    ids = tokenizer("我在北京大学用 abcdef [MASK]", return_tensors="pt")["input_ids"]
    assert int(ids.max()) == SIZE + 1
    with torch.no_grad():
        assert int(model(ids).logits.topk(SIZE + 2).indices.max()) < SIZE + 2

    again = run(toy_train(**TINY, start="train"), tokens, tmp_path / "again", start=trained)
    third = load_file(again.file("step-00000001/model.safetensors"))
    for name, tensor in after.items():
        torch.testing.assert_close(third[name], tensor, rtol=0, atol=1e-9)


def test_moments_have_no_rows_for_new_words(base: Path, shards: Artefact, tmp_path: Path) -> None:
    plain = encoded(base, shards, tmp_path / "plain", extend=None)
    first = run(toy_train(**TINY, from_pretrained=str(base)), plain, tmp_path / "first")
    folder = checkpoints.folder(first)
    more = encoded(folder, shards, tmp_path / "more")
    with pytest.raises(UsageError, match="moments have no rows for them; leave start_optimizer out"):
        run(toy_train(**TINY, start="first", start_optimizer=True), more, tmp_path / "second", start=first)
    run(toy_train(**TINY, start="first"), more, tmp_path / "third", start=first)


def test_a_network_of_another_casing_is_refused(base: Path, shards: Artefact, tmp_path: Path) -> None:
    import shutil

    cased = Path(shutil.copytree(base, tmp_path / "cased"))
    config = cased / "tokenizer_config.json"
    config.write_text(config.read_text().replace('"do_lower_case": true', '"do_lower_case": false'))
    tokens = encoded(base, shards, tmp_path / "tokens")
    with pytest.raises(
        UsageError, match=r"speaks the ids of vocabulary .* differ in: tokens.*normalizer \(lowercase\)"
    ):
        run(toy_train(**TINY, from_pretrained=str(cased)), tokens, tmp_path / "train")
