from collections.abc import Iterable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from corpora.errors import BadData
from pretrain.masking import (
    Masking,
    NgramMasking,
    PhraseMasking,
    SpanMasking,
    TokenMasking,
    WholeWordMasking,
)
from pretrain.masking.strategy import Choose, Strategy
from pretrain.randomness import key
from pretrain.words import Scarce, number_words
from tests.pretrain.layouts import Layout, chinese_like, layouts, text_of, words_of
from tests.tokenization.making import PLAIN, save_tokenizer
from tokenization.packing import Encoded, FullSentences
from tokenization.rows import assemble

FAMILY = get_args(get_args(Masking)[0])
budgets = st.floats(0.05, 1.0)
Words = NDArray[np.int32]


def keys_of(rows: int, epoch: int = 0) -> NDArray[np.uint64]:
    return key(0, "masking", epoch, np.arange(rows))


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tokenizer(tmp_path_factory.mktemp("tokenizer") / "made")


@pytest.fixture(scope="module")
def phrases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("phrases") / "list.txt"
    path.write_text("北京 大学\t7\n北京\n大学生\n\n我 你\nab\n", "utf-8")
    return path


@pytest.fixture(scope="module", params=FAMILY, ids=lambda member: str(member.__name__))
def member(request: pytest.FixtureRequest, phrases: Path) -> Strategy:
    kind: type[Strategy] = request.param
    return kind(path=str(phrases)) if kind is PhraseMasking else kind()  # type: ignore[call-arg]


@pytest.fixture(scope="module")
def choose(member: Strategy, tokenizer: Path) -> Choose:
    return member.prepare(tokenizer)


def runs_of(marks: Iterable[int]) -> list[tuple[int, list[int]]]:
    """(number, positions) of each run."""
    row = np.array(list(marks))
    return [(int(run), np.flatnonzero(row == run).tolist()) for run in range(1, row.max(initial=0) + 1)]


@given(rows=layouts, budget=budgets)
def test_the_budget_is_met_to_within_a_word_and_specials_are_never_chosen(
    member: Strategy, choose: Choose, rows: list[Layout], budget: float
) -> None:
    words = words_of(rows)
    chosen = choose(text_of(words), keys_of(len(rows)), budget, None) > 0
    assert not chosen[words < 0].any()
    for row, layout in zip(chosen, rows, strict=True):
        wanted = budget * sum(layout)
        sizes = [size for size in layout if size] if member.whole_words else [1] * sum(layout)
        if sizes:
            assert 1 <= row.sum() < max(wanted, 1) + 1 or row.sum() == min(sizes)
            assert row.sum() > wanted - max(sizes)
        if budget == 1:
            assert row.sum() == sum(layout)


@given(rows=layouts, budget=budgets)
def test_no_word_is_split(member: Strategy, choose: Choose, rows: list[Layout], budget: float) -> None:
    if not member.whole_words:
        return
    words = words_of(rows)
    runs = choose(text_of(words), keys_of(len(rows)), budget, None)
    for numbers, row in zip(words, runs, strict=True):
        for word in set(numbers[numbers >= 0].tolist()):
            assert len(set(row[numbers == word].tolist())) == 1


@given(rows=layouts, budget=budgets)
def test_runs_are_numbered_stretches_that_cross_nothing(
    choose: Choose, rows: list[Layout], budget: float
) -> None:
    words = words_of(rows)
    for row, numbers in zip(choose(text_of(words), keys_of(len(rows)), budget, None), words, strict=True):
        for _, places in runs_of(row):
            assert places == list(range(places[0], places[-1] + 1))
            assert (numbers[places] >= 0).all()


@given(rows=layouts, extra=st.integers(0, 9), at=st.integers(0, 5))
def test_a_row_is_masked_alike_in_any_company(
    choose: Choose, rows: list[Layout], extra: int, at: int
) -> None:
    words, keys, at = words_of(rows), keys_of(len(rows)), at % len(rows)
    together = choose(text_of(words), keys, 0.15, None)
    alone = np.pad(words[at : at + 1], ((0, 0), (0, extra)), constant_values=-1)
    again = choose(text_of(alone), keys[at : at + 1], 0.15, None)
    assert again[0, : words.shape[1]].tolist() == together[at].tolist()


def test_every_epoch_has_other_masks(choose: Choose) -> None:
    text = text_of(chinese_like(50, 128))
    first, second = (choose(text, keys_of(50, epoch), 0.15, None) > 0 for epoch in (0, 1))
    assert (first != second).any(axis=1).all()


@pytest.mark.parametrize("length", [32, 128, 512])
def test_the_rate_holds_on_average_and_in_every_row(member: Strategy, choose: Choose, length: int) -> None:
    words = chinese_like(10**6 // length, length)
    chosen = choose(text_of(words), keys_of(len(words)), 0.15, None) > 0
    assert abs(chosen.sum() / (words >= 0).sum() - 0.15) < 0.001
    rows = chosen.sum(axis=1) - 0.15 * (words >= 0).sum(axis=1)
    assert abs(rows).max() < (4 if member.whole_words else 1)


def test_members_take_the_same_settings_and_the_rate_of_a_step(member: Strategy) -> None:
    ramp = {"name": "linear", "from": 0.1, "to": 0.3, "steps": 100}
    made = type(member).model_validate(member.model_dump() | {"budget": ramp})
    assert [round(made.rate(step), 6) for step in (0, 25, 100, 10**9, None)] == [0.1, 0.15, 0.3, 0.3, 0.3]
    assert (made.settled, member.settled) == (100, 0)
    assert member.rate(7) == member.rate(None) == 0.15


@pytest.mark.parametrize(
    ("rounding", "mean"), [("chance", 10 * 0.15), ("nearest", 2.0), ("down", 1.0)], ids=str
)
def test_the_fraction_of_a_budget_is_rounded_as_told(rounding: str, mean: float) -> None:
    words = np.tile(np.arange(10, dtype=np.int32), (20_000, 1))
    masking = WholeWordMasking.model_validate({"rounding": rounding})
    counts = (masking.choose(text_of(words), keys_of(20_000), 0.15) > 0).sum(axis=1)
    assert abs(counts.mean() - mean) <= 6 * 0.5 / np.sqrt(20_000) * (rounding == "chance")
    assert set(counts.tolist()) <= {1, 2}


def test_a_budget_in_words_is_met_exactly_in_words() -> None:
    words = chinese_like(300, 128)
    total = np.array([len(np.unique(row[row >= 0])) for row in words])
    for masking in (WholeWordMasking(per="word"), NgramMasking(per="word"), SpanMasking(per="word")):
        runs = masking.choose(text_of(words), keys_of(300), 0.15)
        chosen = np.array([len(np.unique(row[run > 0])) for row, run in zip(words, runs, strict=True)])
        assert (abs(chosen - 0.15 * total) < 1).all()


@given(rows=layouts)
def test_all_of_a_row_can_be_asked_for(rows: list[Layout]) -> None:
    words = words_of(rows)
    for masking in (TokenMasking(), WholeWordMasking(), NgramMasking(), SpanMasking(per="word")):
        chosen = masking.choose(text_of(words), keys_of(len(rows)), 1.0) > 0
        assert (chosen == (words >= 0)).all()


def test_a_row_whose_only_word_exceeds_the_budget_gives_it() -> None:
    runs = NgramMasking().choose(text_of(words_of([[0, 5, 0]])), keys_of(1), 0.1)
    assert runs.tolist() == [[0, 1, 1, 1, 1, 1, 0]]


def test_of_words_that_all_exceed_the_budget_the_shortest_is_given() -> None:
    runs = WholeWordMasking().choose(text_of(words_of([[4, 3, 2, 4]] * 20)), keys_of(20), 0.05)
    assert ((runs > 0) == (words_of([[4, 3, 2, 4]]) == 2)).all()


def test_rows_of_one_token_and_of_none(choose: Choose) -> None:
    words = words_of([[0, 1, 0], [1], [0, 0], [0]], length=4)
    runs = choose(text_of(words), keys_of(4), 0.15, None)
    assert runs.tolist() == [[0, 1, 0, 0], [1, 0, 0, 0], [0] * 4, [0] * 4]
    assert choose(text_of(words[:0]), keys_of(0), 0.15, None).shape == (0, 4)


def scarce_of(words: Words, every: int, share: float = 0.1, strict: bool = False) -> Scarce:
    return Scarce((words >= 0) & (words % every > 0), share, strict)


def test_scarce_words_take_no_more_than_their_share(member: Strategy, choose: Choose) -> None:
    words = chinese_like(400, 512)
    scarce = scarce_of(words, 2)
    chosen = choose(text_of(words), keys_of(400), 0.15, scarce) > 0
    assert abs(chosen.sum() / (words >= 0).sum() - 0.15) < 0.001  # the budget is met all the same
    rare = (chosen & scarce.tokens).sum(axis=1)
    assert (rare < 0.1 * 0.15 * (words >= 0).sum(axis=1) + 2).all()
    assert 0.07 < rare.sum() / chosen.sum() <= 0.101


@pytest.mark.parametrize(("masking", "rate"), [(TokenMasking(), 0.15), (WholeWordMasking(), 0.3)], ids=str)
def test_places_are_equally_likely(masking: Strategy, rate: float) -> None:
    words = np.tile(np.arange(20, dtype=np.int32), (50_000, 1))
    share = (masking.choose(text_of(words), keys_of(50_000), rate) > 0).mean(axis=0)
    assert abs(share - rate).max() < 6 * np.sqrt(rate / 50_000)


def lengths_of(words: Words, runs: NDArray[np.int32], first: int) -> NDArray[np.int64]:
    """Words of each of the `first` runs of the rows that have so many."""
    starts = np.diff(words, axis=1, prepend=-2) != 0
    counts = [np.bincount(row[start], minlength=first + 1) for row, start in zip(runs, starts, strict=True)]
    return np.concatenate([row[1 : first + 1] for row in counts if len(row) > first + 2])  # the last is cut


@pytest.mark.parametrize(
    "masking",
    [NgramMasking(), NgramMasking(lengths="albert"), NgramMasking(lengths=(0, 2, 0, 0, 1)), SpanMasking()],
)
def test_run_lengths_follow_their_weights(masking: NgramMasking | SpanMasking) -> None:
    nominal = np.array(masking.weights) / sum(masking.weights)
    words = chinese_like(3000, 512)
    lengths = lengths_of(words, masking.choose(text_of(words), keys_of(3000), 0.15), 4)
    counts = np.bincount(lengths, minlength=len(nominal) + 1)[1:]
    expected = len(lengths) * nominal
    assert counts[nominal == 0].sum() == 0
    chi_square = ((counts - expected) ** 2 / np.maximum(expected, 1e-9))[nominal > 0].sum()
    freedom = (nominal > 0).sum() - 1
    assert len(lengths) > 5000
    assert chi_square < freedom + 6 * np.sqrt(2 * freedom)


def test_named_and_geometric_weights_are_those_of_the_papers() -> None:
    assert NgramMasking(lengths="albert").weights == pytest.approx([1, 0.5, 1 / 3])
    weights = np.array(SpanMasking().weights) / sum(SpanMasking().weights)
    assert weights[:2] == pytest.approx([0.224, 0.1793], abs=1e-4)  # SpanBERT's figure 2
    assert weights @ np.arange(1, 11) == pytest.approx(3.8, abs=0.01)  # "a mean span length of 3.8"
    assert SpanMasking(stop=1.0).weights[:2] == (1.0, 0.0)


def test_realised_lengths_are_as_documented() -> None:
    for length, documented in ((512, (0.43, 0.29, 0.19, 0.09)), (128, (0.49, 0.28, 0.16, 0.07))):
        words = chinese_like(10**6 // length, length)
        runs = NgramMasking().choose(text_of(words), keys_of(len(words)), 0.15)
        starts = np.diff(words, axis=1, prepend=-2) != 0
        lengths = np.concatenate(
            [np.bincount(row[start])[1:] for row, start in zip(runs, starts, strict=True)]
        )
        shares = np.bincount(lengths, minlength=5)[1:] / len(lengths)
        assert abs(shares - documented).max() < 0.01


def test_no_run_crosses_the_bound_of_packed_documents() -> None:
    sizes = np.random.default_rng(0).integers(1, 9, 300)
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    tokens = np.arange(10, 10 + bounds[-1], dtype=np.uint32) % 90 + 10
    documents = Encoded(
        first=0,
        bounds=bounds,
        ids=tokens,
        word_starts=np.ones(len(tokens), np.uint8),
        sentence_ends=bounds[1:],
        unknown_at=np.empty(0, np.int64),
        unknown=[],
    )
    placed = list(FullSentences(length=64).pack(documents, 0))
    rows = assemble(documents, placed, cls_id=2, sep_id=3, next_sentences=False)
    special = np.isin(np.arange(100), [2, 3])
    packed = np.split(rows.ids.astype(np.int64), rows.ends[:-1])
    document_starts = np.split(rows.document_starts, rows.document_starts_ends[:-1])
    assert max(map(len, document_starts)) > 5
    for row, begun in zip(packed, document_starts, strict=True):
        ids, starts = row[None], np.ones((1, len(row)), np.bool_)
        words = number_words(ids, starts, np.array([len(row)], np.int32), special)
        of = np.searchsorted(begun, np.arange(len(row)), side="right")
        for masking in (NgramMasking(lengths=(0, 0, 0, 1)), SpanMasking(stop=0.05)):
            for _, places in runs_of(masking.choose(text_of(words), keys_of(1), 0.5)[0]):
                assert len(set(of[places].tolist())) == 1


def test_words_of_a_phrase_go_together(tokenizer: Path, phrases: Path) -> None:
    ids = {letter: number for number, letter in enumerate(PLAIN, start=5)}
    layout = ["北京", "大学", "我", "北", "京", "你", "大", "学生", "北京", "大学生", "a", "##b"]
    spelt = [[ids[piece] for piece in ([word] if word in ids else word)] for word in layout]
    words = words_of([[len(word) for word in spelt]])
    flat = np.array([[token for word in spelt for token in word]])
    choose = PhraseMasking(path=str(phrases)).prepare(tokenizer)
    runs = choose(text_of(words, flat), keys_of(1), 1.0, None)[0]
    groups = {tuple(words[0][places].tolist()) for _, places in runs_of(runs)}
    # 北京大学 | 我 | 北 京 | 你 | 大 学生 | 北京 (北京大学 would end within a word) | 大学生 | ab
    assert groups == {(0, 0, 1, 1), (2,), (3, 4), (5,), (6, 7, 7), (8, 8), (9, 9, 9), (10, 11)}


def test_a_phrase_crosses_no_separator(tokenizer: Path, phrases: Path) -> None:
    ids = {letter: number for number, letter in enumerate(PLAIN, start=5)}
    words = words_of([[1, 0, 1]])
    text = text_of(words, np.array([[ids["我"], 3, ids["你"]]]))
    runs = PhraseMasking(path=str(phrases)).prepare(tokenizer)(text, keys_of(1), 1.0, None)
    assert sorted(runs[0].tolist()) == [0, 1, 2]


def test_phrases_that_are_none_are_bad_data(tokenizer: Path, tmp_path: Path) -> None:
    with pytest.raises(BadData, match="names no file"):
        PhraseMasking(path=str(tmp_path / "none.txt")).files()
    for content, message in ((b"\n\n", "has 0 phrases"), ("我\n你\n".encode(), "has 2 phrases, and none")):
        (tmp_path / "list.txt").write_bytes(content)
        with pytest.raises(BadData, match=message):
            PhraseMasking(path=str(tmp_path / "list.txt")).prepare(tokenizer)
    (tmp_path / "list.txt").write_bytes("北京 大学".encode("gb18030"))
    with pytest.raises(BadData, match="not UTF-8"):
        PhraseMasking(path=str(tmp_path / "list.txt")).prepare(tokenizer)


def test_a_bare_word_names_a_strategy() -> None:
    adapter: TypeAdapter[object] = TypeAdapter(Masking)
    assert adapter.validate_python("whole_word") == WholeWordMasking()
    assert adapter.validate_python({"strategy": "ngram", "lengths": [1, 1]}) == NgramMasking(lengths=(1, 1))
    assert adapter.validate_python({"strategy": "token", "budget": 1}) == TokenMasking(budget=1.0)


@pytest.mark.parametrize(
    "settings",
    [
        {"strategy": "token", "budget": 1.5},
        {"strategy": "token", "budget": 0},
        {"strategy": "token", "budget": -0.1},
        {"strategy": "token", "budget": float("nan")},
        {"strategy": "token", "budget": "0.15"},
        {"strategy": "token", "per": "word"},
        {"strategy": "token", "variants": 0},
        {"strategy": "ngram", "lengths": []},
        {"strategy": "ngram", "lengths": [0.5, -0.1]},
        {"strategy": "ngram", "lengths": [0, 0]},
        {"strategy": "ngram", "lengths": "macbert"},
        {"strategy": "span", "stop": 0},
        {"strategy": "span", "longest": 0},
        {"strategy": "phrases"},
        {"strategy": "spam"},
    ],
    ids=str,
)
def test_nonsense_is_refused(settings: dict[str, object]) -> None:
    adapter: TypeAdapter[object] = TypeAdapter(Masking)
    with pytest.raises(ValidationError):
        adapter.validate_python(settings)
