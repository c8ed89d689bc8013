"""Windows: every token counts in one of them, in its best context; places are those of the text."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.errors import UsageError
from corpora.labelled import Row
from pretrain.finetuning.windows import Passage, most_context, passages, whole
from tests.pretrain.finetuning.making import FILLER, VOCABULARY, make_folder, open_tokenizer
from tokenization.vocabulary import Tokenizer

TEXT = (FILLER * 3)[:30]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return open_tokenizer(make_folder(tmp_path_factory.mktemp("bert") / "folder"))


def passage(first: int, tokens: int) -> Passage:
    none = np.empty(0, dtype=np.int64)
    return Passage(none, None, 0, False, np.zeros((tokens, 2), dtype=np.int64), 1, first)


def slow_owner(token: int, windows: list[Passage]) -> int:
    """The definition, one token at a time."""
    contexts = [
        min(token - w.first, w.first + len(w.places) - 1 - token)
        if 0 <= token - w.first < len(w.places)
        else -1
        for w in windows
    ]
    return contexts.index(max(contexts))


@given(st.integers(1, 60), st.integers(1, 12), st.integers(0, 11))
def test_each_token_counts_once_where_it_has_most_context(total: int, room: int, stride: int) -> None:
    stride = min(stride, room - 1)
    windows, first = list[Passage](), 0
    while not windows or windows[-1].first + len(windows[-1].places) < total:
        windows.append(passage(first, min(room, total - first)))
        first += room - stride
    owned = most_context(windows)
    numbers = [windows[w].first + place for w, own in enumerate(owned) for place in np.flatnonzero(own)]
    assert numbers == list(range(total))  # once, and in order: merging is joining
    owners = [w for w, own in enumerate(owned) for _ in np.flatnonzero(own)]
    assert owners == [slow_owner(token, windows) for token in range(total)]


def test_windows_share_the_stride_and_know_their_places(tokenizer: Tokenizer) -> None:
    found = passages([Row(TEXT), Row(" 天 x地", id="short")], tokenizer, 14, 4)
    assert [(w.row, w.first, len(w.places), w.whole) for w in found] == [
        (0, 0, 12, False),
        (0, 8, 12, False),
        (0, 16, 12, False),
        (0, 24, 6, False),
        (1, 0, 3, True),
    ]
    for window in found[:4]:
        assert window.places.tolist() == [
            [at, at + 1] for at in range(window.first, window.first + len(window.places))
        ]
        letters = "".join(VOCABULARY[number] for number in window.ids[window.inside])
        assert letters == TEXT[window.first : window.first + len(window.places)]
    assert found[-1].places.tolist() == [[1, 2], [3, 4], [4, 5]]


def test_a_question_stands_whole_in_every_window_and_is_cut_at_its_limit(tokenizer: Tokenizer) -> None:
    found = passages([Row(TEXT, second="好坏好坏")], tokenizer, 16, 4, question=3)
    for window in found:
        words = [VOCABULARY[number] for number in window.ids]
        assert words[:5] == ["[CLS]", "好", "坏", "好", "[SEP]"]
        assert words[window.start - 1 : window.start] == ["[SEP]"]
        assert window.types is not None
        assert window.types.tolist() == [0] * 5 + [1] * (len(words) - 5)
    assert [window.first for window in found] == [0, 6, 12, 18, 24][: len(found)]
    assert found[-1].first + len(found[-1].places) == len(TEXT)


def test_an_overlap_that_leaves_nothing_new_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(UsageError, match="leave 12 for the text of each window"):
        passages([Row(TEXT)], tokenizer, 14, 12)
    with pytest.raises(UsageError, match="leave 6 for the text"):
        passages([Row(TEXT, second="好")], tokenizer, 14, 6, question=64)


def test_an_empty_text_is_a_window_without_places(tokenizer: Tokenizer) -> None:
    (window,) = passages([Row("")], tokenizer, 14, 4)
    assert (window.places.shape, window.ids.tolist(), window.whole) == ((0, 2), [2, 3], True)
    assert [len(own) for own in most_context([window])] == [0]


def test_a_row_that_is_cut_says_so(tokenizer: Tokenizer) -> None:
    assert [window.whole for window in whole([Row(TEXT), Row("天")], tokenizer, 8)] == [False, True]


def test_blanks_that_a_tokenizer_counts_to_a_word_are_no_part_of_it(tmp_path: Path) -> None:
    """SentencePiece's way: "▁is" begins at the blank before the word."""
    from tokenizers import Tokenizer as Fast
    from tokenizers.models import Unigram
    from tokenizers.pre_tokenizers import Metaspace
    from transformers import PreTrainedTokenizerFast

    fast = Fast(Unigram([("<unk>", 0.0), ("▁it", -1.0), ("▁is", -1.0), ("▁", -3.0)], unk_id=0))
    fast.pre_tokenizer = Metaspace()
    made: Any = PreTrainedTokenizerFast
    tokenizer = made(tokenizer_object=fast, unk_token="<unk>", pad_token="<unk>")
    (window,) = passages([Row("it  is")], tokenizer, 8, 0)
    assert [("it  is"[start:end]) for start, end in window.places] == ["it", "", "is"]
