from pathlib import Path

import numpy as np
import pytest

from corpora.artefact import Artefact, Draft
from corpora.reporter import Quiet
from corpora.stage import Report
from pretrain.documents import look_up, places
from tests.corpora.making import write_shards
from tests.tokenization.making import PLAIN, save_tokenizer
from tokenization.encoding import Encode, encode
from tokenization.tokens import TokenSet

LETTERS = [letter for letter in PLAIN if len(letter) == 1 and not letter.isascii()]
TEXTS = [
    "".join(LETTERS[(7 * i + k * (i + 1)) % len(LETTERS)] for k in range(3 + i % 9)) + "。" for i in range(40)
]
TEXTS[11] = TEXTS[12] = TEXTS[25] = "\u200b"  # documents without a token


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    draft = Draft.open(tmp_path_factory.mktemp("shards") / "shards", "shards", "made")
    write_shards(draft, "train", TEXTS, in_file=9)
    train = {"documents": len(TEXTS), "characters": sum(map(len, TEXTS))}
    return draft.commit(Report("made", {"train": train, "validation": {"documents": 0, "characters": 0}}))


def encoded(shards: Artefact, place: Path, **packing: object) -> Artefact:
    settings = {
        "tokenizer": str(save_tokenizer(place / "tokenizer", PLAIN)),
        "packing": {"length": 24, **packing},
        "segmenter": "whitespace",
        "speed": {"workers": 1},
    }
    draft = Draft.open(place / "tokens", "tokens", "made")
    return draft.commit(encode(Encode.model_validate(settings), {"shards": shards}, draft, Quiet()))


@pytest.mark.parametrize("packing", ["full_sentences", "doc_sentences", "segment_pairs"])
def test_documents_of_a_row_hold_its_tokens(shards: Artefact, packing: str, tmp_path: Path) -> None:
    tokens = encoded(shards, tmp_path, kind=packing)
    made, vocabulary = TokenSet.open(tokens), TokenSet.open(tokens).vocabulary
    order = np.random.default_rng(0).permutation(len(made))
    found = places(tokens, order)
    texts, spelt = look_up(shards, found), {5 + i: letter for i, letter in enumerate(PLAIN)}
    seen = set[int]()
    for row, place in zip(order.tolist(), found, strict=True):
        assert len(place.documents) == 1 or packing == "full_sentences"
        ids = made.rows(np.array([row])).ids[0].tolist()
        shown = "".join(spelt.get(token, "") for token in ids if token not in vocabulary.special_ids)
        whole = "".join(texts[number].text.replace("。", "") for number in place.documents)
        assert shown
        assert shown in whole
        for number in place.documents:
            facts = texts[number].metadata
            assert texts[number].id == f"train{number}"
            assert facts["file"] == f"{place.part}.jsonl.zst"
            seen.add(number)
    assert seen == {number for number, text in enumerate(TEXTS) if text != "\u200b"}
    (last,) = places(tokens, order[:1])
    (one,) = {last.documents[0]}
    lines = [look_up(shards, [last])[one].metadata["line"], look_up(shards, found)[one].metadata["line"]]
    assert lines[0] == lines[1] >= 1


def test_a_segment_of_another_document_names_it(shards: Artefact, tmp_path: Path) -> None:
    tokens = encoded(shards, tmp_path, kind="segment_pairs", random_next=0.5)
    made, special = TokenSet.open(tokens), TokenSet.open(tokens).vocabulary.special_ids
    found, spelt = places(tokens, np.arange(len(made))), {5 + i: letter for i, letter in enumerate(PLAIN)}
    texts = look_up(shards, found)
    for number, place in enumerate(found):
        row = made.row(number)
        assert place.documents == tuple(dict.fromkeys([row.document, row.second_document]))
        segments = [row.ids[: row.second], row.ids[row.second :]] if row.second else [row.ids]
        for ids, document in zip(segments, (row.document, row.second_document), strict=False):
            shown = "".join(spelt[token] for token in ids if token not in special)
            assert shown
            assert document is not None
            assert shown in texts[document].text.replace("。", "")
        assert len(place.documents) == 2  # of one sentence each, they have no B of their own
