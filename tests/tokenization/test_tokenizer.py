"""Tokenizers: trained ones that `transformers` opens, loaded ones that are checked, messages that help."""

from pathlib import Path

import pytest

from corpora.errors import BadData
from tests.tokenization.making import save_tokenizer
from tokenization import tokenizer
from tokenization.tokenizer import TrainedTokenizer
from tokenization.vocabulary import Tokenizer, Vocabulary, describe

TEXTS = [
    "我爱北京，我爱读书。",
    "Windows 7 and WINDOWS 8 on 北京's PCs",
    "windows café windows",
    "我我 书书",
] * 3


def trained(size: int = 60) -> Tokenizer:
    return TrainedTokenizer(train="wordpiece_zh", size=size).make(TEXTS)


def test_a_trained_tokenizer_spells_its_own_text_without_unknowns(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    trained(200).save_pretrained(tmp_path)
    opened = AutoTokenizer.from_pretrained(tmp_path)
    assert opened.is_fast
    for text in TEXTS:
        ids = opened(text)["input_ids"]
        assert opened.unk_token_id not in ids
        spelt = "".join(opened.convert_ids_to_tokens(ids[1:-1])).replace("##", "")
        assert spelt == "".join(text.lower().replace("é", "e").split())
    assert opened.tokenize("我爱 WINDOWS") == ["我", "爱", "windows"]


def test_size_is_a_limit_that_keeps_the_frequent() -> None:
    small = trained(15)
    assert len(small) == 15
    assert small.convert_tokens_to_ids(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]) == [0, 1, 2, 3, 4]
    assert small.convert_tokens_to_ids("我") != small.unk_token_id  # 12 times
    assert small.convert_tokens_to_ids("7") == small.unk_token_id  # 3 times


def test_equal_texts_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        trained().save_pretrained(tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
        assert str(tmp_path).encode() not in path.read_bytes()


def test_a_loaded_tokenizer_saves_no_path(tmp_path: Path) -> None:
    tokenizer.load(str(save_tokenizer(tmp_path / "given"))).save_pretrained(tmp_path / "saved")
    for path in (tmp_path / "saved").iterdir():
        assert str(tmp_path).encode() not in path.read_bytes()


def test_text_that_looks_special_stays_text(tmp_path: Path) -> None:
    plain = tokenizer.for_text(save_tokenizer(tmp_path))
    assert set(plain.encode("a[SEP]b [MASK]", add_special_tokens=False).ids) & {0, 2, 3, 4} == set()


def test_an_unknown_origin_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"^no tokenizer could be loaded from .*train one") as raised:
        tokenizer.load(str(tmp_path))
    assert "\n" not in str(raised.value)


def test_a_tokenizer_without_mask_is_refused(tmp_path: Path) -> None:
    config = save_tokenizer(tmp_path) / "tokenizer_config.json"
    config.write_text(config.read_text().replace('"mask_token": "[MASK]"', '"mask_token": null'))
    opened = tokenizer.load(str(tmp_path))
    with pytest.raises(BadData, match=r"here has no mask token \(found: \[PAD\] \[UNK\] \[CLS\] \[SEP\]\)"):
        describe(opened, "here")


def test_a_vocabulary_knows_its_special_and_spare_ids(tmp_path: Path) -> None:
    opened = tokenizer.load(str(save_tokenizer(tmp_path, ["我", "[unused1]", "a"])))
    vocabulary = describe(opened, "here")
    assert (vocabulary.size, vocabulary.special_ids) == (8, (0, 1, 2, 3, 4))
    assert (vocabulary.unused_ids, vocabulary.drawable_ids) == ((6,), (5, 7))
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary


def test_the_digest_changes_with_any_token_and_any_role(tmp_path: Path) -> None:
    digests = [
        describe(tokenizer.load(str(save_tokenizer(tmp_path / name, tokens))), name).digest
        for name, tokens in {"one": ["a", "b"], "two": ["b", "a"], "three": ["a", "c"]}.items()
    ]
    assert len(set(digests)) == 3
