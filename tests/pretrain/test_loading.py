from collections.abc import Callable
from dataclasses import fields, replace
from functools import reduce
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from corpora.artefact import Artefact
from corpora.errors import UsageError
from pretrain import loading
from pretrain.batch import KINDS, NO_PAIR, Batch, Masks, Window
from pretrain.loading import Loader
from pretrain.masking import NgramMasking, TokenMasking
from pretrain.randomness import key
from pretrain.replacement import BertReplacement, SimilarWord
from tests.tokenization.making import CLS, SEP, SIZE, make_token_set, row
from tokenization.packing import Encoded, FullSentences
from tokenization.rows import Columns, assemble
from tokenization.tokens import Row, TokenSet

LENGTH, ROWS = 40, 53
MASK_ID = 4


def make_rows() -> list[Row]:
    """Rows of all lengths up to LENGTH, some with a second segment."""
    rng, rows = np.random.default_rng(0), []
    for number in range(ROWS):
        room, words = int(rng.integers(2, LENGTH - 3)), []
        while room > 0:
            size = min(room, int(rng.integers(1, 4)))
            words.append(rng.integers(5, SIZE, size).tolist())
            room -= size
        cut = len(words) // 2 if number % 3 else 0
        rows.append(row(words[:cut] or words, words[cut:] if cut else (), number))
    return rows


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return make_token_set(tmp_path_factory.mktemp("set") / "tokens", make_rows(), length=LENGTH)


@pytest.fixture(scope="module")
def tokens(artefact: Artefact) -> TokenSet:
    return TokenSet.open(artefact)


Build = Callable[..., Loader]


@pytest.fixture(scope="module")
def build(tokens: TokenSet) -> Build:
    def make(
        seed: int = 0, data_seed: int = 0, batch: int = 10, swap: bool = True, **masking: object
    ) -> Loader:
        ngram = NgramMasking.model_validate(masking)
        return Loader(tokens, ngram, BertReplacement(), None, seed, data_seed, batch, swap)

    return make


def rows_of(batches: tuple[Batch, ...]) -> dict[int, list[object]]:
    """Everything about each row, by sample; padding cut off, so that batches of any shape compare."""
    found: dict[int, list[object]] = {}
    for batch in batches:
        size, length = batch.input_ids.shape
        masked = torch.zeros(size * length, dtype=torch.int64)
        masked[batch.masked_positions] = batch.masked_targets
        for i in range(size):
            real = batch.attention_mask[i]
            found[int(batch.samples[i])] = [
                batch.input_ids[i][real].tolist(),
                batch.token_type_ids[i][real].tolist(),
                masked.reshape(size, length)[i][real].tolist(),
                int(batch.pair_labels[i]),
            ]
    return found


def same(one: Window, other: Window) -> bool:
    pairs = zip(one.batches, other.batches, strict=True)
    return one.step == other.step and all(
        torch.equal(getattr(a, f.name), getattr(b, f.name)) for a, b in pairs for f in fields(Batch)
    )


def test_an_epoch_meets_every_row_once(build: Build) -> None:
    loader = build(batch=10)
    samples = np.concatenate([loader.window(step).batches[0].samples.numpy() for step in range(16)])
    for epoch in range(3):
        assert sorted(samples[epoch * ROWS : (epoch + 1) * ROWS].tolist()) == list(range(ROWS))
    assert samples[:ROWS].tolist() != samples[ROWS : 2 * ROWS].tolist()


@given(st.integers(0, 10**12), st.integers(1, 10), st.integers(1, 11))
def test_ranks_and_micro_batches_are_slices_of_the_same_batch(
    build: Build, step: int, world: int, micro_batch: int
) -> None:
    loader = build()
    whole = loader.window(step)
    shares = [loader.window(step, rank, world, micro_batch) for rank in range(world)]
    batches = tuple(batch for share in shares for batch in share.batches)
    assert rows_of(batches) == rows_of(whole.batches)
    order = torch.cat([batch.samples for batch in batches])
    assert torch.equal(order, whole.batches[0].samples)
    assert len({len(share.batches) for share in shares}) == 1
    assert all(1 <= len(batch.samples) <= max(micro_batch, 2) for batch in batches)
    for share in shares:
        assert share.masked_total == sum(len(batch.masked_positions) for batch in batches)
        assert share.pair_total == sum(int((batch.pair_labels != NO_PAIR).sum()) for batch in batches)
        assert share.real_tokens == sum(int(batch.attention_mask.sum()) for batch in batches)
        assert share.masks == whole.masks
    assert loader.samples(step).tolist() == order.tolist()


def test_what_was_masked_is_counted_over_the_whole_batch(build: Build, tokens: TokenSet) -> None:
    loader, rates, masks, kept, hidden = build(), list[float](), Masks(), 0, 0
    for window in (loader.window(step) for step in range(20)):
        (batch,) = window.batches
        words = ((batch.input_ids >= 0) & batch.attention_mask).sum(dim=1) - 2
        words -= torch.from_numpy(tokens.rows(batch.samples.numpy()).second > 0).long()  # [CLS] and [SEP]
        rows = batch.masked_positions // batch.input_ids.shape[1]
        rates += (torch.bincount(rows, minlength=len(words)) / words).tolist()
        shown = batch.input_ids.flatten()[batch.masked_positions]
        hidden += int((shown == MASK_ID).sum())
        kept += int((shown == batch.masked_targets).sum())
        masks = masks.plus(window.masks)
    said = masks.realised()
    assert masks.rows == len(rates) == 200
    assert said["mask_rate"] == pytest.approx(np.mean(rates), rel=1e-6)
    assert said["mask_rate_deviation"] == pytest.approx(np.std(rates), rel=1e-4)
    total = sum(masks.kinds)
    assert masks.kinds[0] == hidden
    assert masks.kinds[3] <= kept <= masks.kinds[3] + masks.kinds[2]  # a random token may be the same one
    assert sum(said[f"{name}_share"] for name in KINDS) == pytest.approx(1)
    assert said["mask_share"] == hidden / total
    assert said["similar_share"] == said["fallback_share"] == 0


def test_targets_give_the_token_set_back(build: Build, tokens: TokenSet) -> None:
    for window in (build(swap=False).window(step) for step in range(5)):
        (batch,) = window.batches
        ids = batch.input_ids.flatten().clone()
        ids[batch.masked_positions] = batch.masked_targets
        stored = tokens.rows(batch.samples.numpy())
        width = stored.ids.shape[1]
        assert torch.equal(ids.reshape(10, -1)[:, :width], torch.from_numpy(stored.ids))
        assert (batch.attention_mask.sum(dim=1).numpy() == stored.lengths).all()


def test_segments_are_swapped_in_half_of_the_pairs(build: Build, tokens: TokenSet) -> None:
    labels = []
    for step in range(200):
        (batch,) = build().window(step).batches
        stored = tokens.rows(batch.samples.numpy())
        assert ((batch.pair_labels == NO_PAIR).numpy() == (stored.second == 0)).all()
        ids = batch.input_ids.flatten().clone()
        ids[batch.masked_positions] = batch.masked_targets
        for i, line in enumerate(ids.reshape(10, -1)):
            old = stored.ids[i, : stored.lengths[i]].tolist()
            first, second = old[1 : stored.second[i]], old[stored.second[i] :]
            if batch.pair_labels[i] == 1:
                assert line[: len(old)].tolist() == [CLS, *second, *first]
                assert int((batch.token_type_ids[i] == 0)[: len(old)].sum()) == 1 + len(second)
            else:
                assert line[: len(old)].tolist() == old
        labels += batch.pair_labels[batch.pair_labels != NO_PAIR].tolist()
    assert abs(np.mean(labels) - 0.5) < 6 * 0.5 / np.sqrt(len(labels))


def test_without_a_pair_task_no_row_has_a_label(build: Build) -> None:
    window = build(swap=False).window(0)
    assert window.pair_total == 0
    assert set(window.batches[0].pair_labels.tolist()) == {NO_PAIR}


def test_labels_of_the_next_sentence_are_those_of_the_token_set(tmp_path: Path) -> None:
    """B is of another document in rows 1, 3, 5 ...; row 4 has no B."""
    rows = [
        replace(row([[5, 6]], [[7]] if number != 4 else (), number), second_document=number + number % 2)
        for number in range(8)
    ]
    tokens = TokenSet.open(make_token_set(tmp_path / "tokens", rows, length=16))
    loader = Loader(tokens, TokenMasking(), BertReplacement(), None, 0, 0, 8, swap_segments=False)
    (batch,) = loader.window(0).batches
    labels = dict(zip(batch.samples.tolist(), batch.pair_labels.tolist(), strict=True))
    assert labels == {number: NO_PAIR if number == 4 else number % 2 for number in range(8)}
    assert loader.window(0).pair_total == 7
    with pytest.raises(UsageError, match=r"'sop' needs segments that follow .* packing.random_next 0"):
        replace(loader, swap_segments=True)


def test_padding_and_segments_are_marked(build: Build) -> None:
    (batch,) = build().window(3).batches
    assert batch.input_ids.shape[1] % 8 == 0
    assert set(batch.input_ids[~batch.attention_mask].tolist()) <= {0}
    assert not batch.token_type_ids[~batch.attention_mask].any()
    with_second = batch.pair_labels != NO_PAIR
    assert (batch.token_type_ids.sum(dim=1) > 0).tolist() == with_second.tolist()
    assert not torch.isin(batch.masked_targets, torch.tensor([0, 1, CLS, SEP, 4])).any()


def test_rows_are_never_padded_beyond_the_longest_allowed(tmp_path: Path) -> None:
    artefact = make_token_set(tmp_path / "tokens", [row([[5]] * 8)], length=10)
    loader = Loader(TokenSet.open(artefact), TokenMasking(), BertReplacement(), None, 0, 0, 1, True)
    assert loader.window(0).batches[0].input_ids.shape == (1, 10)


def test_seed_moves_masks_and_data_seed_moves_order(build: Build) -> None:
    base, masks, order = build(), build(seed=1), build(data_seed=1)
    assert torch.equal(base.window(7).batches[0].samples, masks.window(7).batches[0].samples)
    assert not same(base.window(7), masks.window(7))
    assert not torch.equal(base.window(7).batches[0].samples, order.window(7).batches[0].samples)
    elsewhere = {s: r for step in range(5) for s, r in rows_of(order.window(step).batches).items()}
    both = rows_of(base.window(0).batches).keys() & elsewhere.keys()
    assert both
    assert all(rows_of(base.window(0).batches)[sample] == elsewhere[sample] for sample in both)


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> TokenSet:
    """Short documents packed as FULL-SENTENCES are."""
    dice, sizes = np.random.default_rng(0), [3, 9, 1, 14, 2, 2, 21, 5, 8, 30, 4, 4, 4]
    encoded = Encoded(
        first=0,
        bounds=np.cumsum([0, *sizes]),
        ids=dice.integers(5, SIZE, sum(sizes)).astype(np.uint32),
        word_starts=np.ones(sum(sizes), np.uint8),
        sentence_ends=np.cumsum(sizes),
        unknown_at=np.empty(0, np.int64),
        unknown=[],
    )
    packing = FullSentences(length=LENGTH)
    columns = assemble(encoded, list(packing.pack(encoded, 0)), CLS, SEP, next_sentences=False)
    folder = tmp_path_factory.mktemp("joined")
    artefact = make_token_set(folder / "tokens", rows_in(columns), length=LENGTH)
    return TokenSet.open(artefact)


def rows_in(columns: Columns) -> list[Row]:
    """The rows, one by one."""
    made, begin, opening = list[Row](), 0, 0
    for end, last in zip(columns.ends.tolist(), columns.document_starts_ends.tolist(), strict=True):
        starts = columns.document_starts[opening:last].tolist()
        bits = columns.word_starts[begin:end].tolist()
        made.append(Row(columns.ids[begin:end].tolist(), bits, document_starts=starts))
        begin, opening = end, last
    return made


@pytest.mark.parametrize("cross_document", [False, True])
def test_positions_begin_anew_behind_each_separator_unless_documents_are_one(
    joined: TokenSet, cross_document: bool
) -> None:
    grams = NgramMasking(lengths=(0, 0, 0, 1.0), budget=0.4)
    loader = Loader(joined, grams, BertReplacement(), None, 0, 0, len(joined), False, cross_document)
    (batch,), rows = loader.window(3).batches, loader.rows(3)
    assert joined.joins_documents
    for shown, positions, real, ids in zip(
        batch.input_ids, batch.position_ids, batch.attention_mask, rows.ids, strict=True
    ):
        wanted = list[int]()
        for place, token in enumerate(ids[: len(shown)][real.numpy()].tolist()):
            new = place == 0 or (not cross_document and ids[place - 1] == SEP)
            wanted.append(0 if new else wanted[-1] + 1)
            assert token != SEP or shown[place] == SEP  # no mask touches what is between documents
        assert positions.tolist() == wanted + [0] * (len(shown) - len(wanted))


def test_what_is_masked_together_is_of_one_document(joined: TokenSet) -> None:
    grams = NgramMasking(lengths=(0, 0, 0, 1.0), budget=0.4)
    rows = Loader(joined, grams, BertReplacement(), None, 0, 0, len(joined), False).rows(3)
    runs = 0
    for numbers, positions in zip(rows.runs, rows.positions, strict=True):
        documents = np.cumsum(positions == 0)
        for run in range(1, int(numbers.max()) + 1):
            assert len(set(documents[numbers == run].tolist())) == 1
            runs += 1
    assert runs > len(joined)


RAMP = {"name": "linear", "from": 0.1, "to": 0.5, "steps": 40}


def masked_share(loader: Loader, steps: range) -> float:
    """Tokens to predict among those of words."""
    masks = reduce(Masks.plus, (loader.window(step).masks for step in steps))
    return masks.realised()["mask_rate"]


def test_the_mask_rate_follows_its_schedule_and_the_step_alone(build: Build) -> None:
    loader = build(budget=RAMP, batch=ROWS)
    for step in (0, 10, 20, 40, 1000):
        rate = 0.1 + 0.4 * min(step / 40, 1)
        assert masked_share(loader, range(step, step + 1)) == pytest.approx(rate, abs=0.04)
    assert same(loader.window(30), build(budget=RAMP, batch=ROWS).window(30))  # nothing was passed through
    steps = build(budget={"name": "steps", "rates": [0.1, 0.5], "milestones": [3]}, batch=ROWS)
    shares = [masked_share(steps, range(step, step + 1)) for step in range(6)]
    assert all(share < 0.2 for share in shares[:3])
    assert all(share > 0.4 for share in shares[3:])


def test_ranks_agree_on_a_changing_rate(build: Build) -> None:
    loader = build(budget=RAMP)
    for step in (3, 25):
        whole = loader.window(step)
        shares = [loader.window(step, rank, 3, 2) for rank in range(3)]
        assert rows_of(tuple(batch for share in shares for batch in share.batches)) == rows_of(whole.batches)
        assert {share.masked_total for share in shares} == {whole.masked_total}


def held_out(loader: Loader, rows: int = ROWS, at_once: int = 8) -> tuple[Batch, ...]:
    return tuple(loader.examined(lot)[0] for lot in loader.held_out(rows, at_once))


def test_held_out_rows_are_masked_at_the_last_rate(build: Build) -> None:
    ramp, settled = build(budget=RAMP), build(budget=0.5)
    assert rows_of(held_out(ramp)) == rows_of(held_out(settled))


def test_variants_come_back_in_turn(build: Build) -> None:
    loader, anew = build(batch=ROWS, variants=2), build(batch=ROWS)
    epochs = [rows_of(loader.window(step).batches) for step in range(5)]  # an epoch a step
    assert epochs[0] == epochs[2] == epochs[4]
    assert epochs[1] == epochs[3]
    assert sum(epochs[0][number] != epochs[1][number] for number in range(ROWS)) > ROWS // 2
    assert epochs[1] == rows_of(anew.window(1).batches)
    assert epochs[2] != rows_of(anew.window(2).batches)
    assert loader.samples(0).tolist() != loader.samples(2).tolist()  # the order is new in every epoch


def test_rows_tell_what_was_there_and_what_became_of_it(build: Build, tokens: TokenSet) -> None:
    loader = build()
    rows, (batch,) = loader.rows(7), loader.window(7).batches
    assert rows.samples.tolist() == batch.samples.tolist()
    assert rows.shown.tolist() == batch.input_ids.tolist()
    assert np.flatnonzero(rows.runs).tolist() == batch.masked_positions.tolist()
    assert ((rows.runs > 0) == (rows.kinds > 0)).all()
    assert rows.ids.ravel()[batch.masked_positions].tolist() == batch.masked_targets.tolist()
    assert ((rows.words >= 0).sum(axis=1) < rows.lengths).all()


@pytest.mark.parametrize("rows", [1, 3])
def test_how_many_rows_are_prepared_at_once_changes_nothing(
    build: Build, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    loader = build()
    windows = [loader.window(7, rank, 2, 4) for rank in range(2)]
    monkeypatch.setattr(loading, "CHUNK_TOKENS", rows * LENGTH)
    for rank, window in enumerate(windows):
        again = loader.window(7, rank, 2, 4)
        assert same(window, again)
        assert window.masks == again.masks


def test_prefetching_changes_nothing(build: Build) -> None:
    loader = build()
    early = loader.windows(range(3, 9), rank=1, world=2, micro_batch=2)
    for step, window in zip(range(3, 9), early, strict=True):
        assert same(window, loader.window(step, 1, 2, 2))


def test_prefetching_can_be_left_early_and_passes_errors_on(build: Build) -> None:
    windows = build().windows(iter(range(10**9)))
    assert next(windows).step == 0
    windows.close()  # type: ignore[attr-defined]
    with pytest.raises(UsageError):
        next(build(batch=1).windows(range(3), world=2))


def test_evaluation_is_the_same_for_every_seed_and_lot(build: Build, tokens: TokenSet) -> None:
    alone = held_out(build())
    assert sorted(rows_of(alone)) == list(range(ROWS))
    assert rows_of(held_out(build(seed=5, batch=4), at_once=3)) == rows_of(alone)
    some = held_out(build(), rows=20)
    assert len(rows_of(some)) == 20
    assert all(rows_of(alone)[sample] == content for sample, content in rows_of(some).items())
    lots = build().held_out(ROWS, 8)
    assert [len(lot) for lot in lots] == [8] * 6 + [5]
    assert (np.diff(tokens.lengths(np.concatenate(lots))) >= 0).all()


def test_examined_rows_say_which_words_are_asked(build: Build) -> None:
    batch, rows = build().examined(np.array([7, 3, 11]))
    assert rows.ids[rows.kinds > 0].tolist() == batch.masked_targets.tolist()
    assert (rows.words[rows.kinds > 0] >= 0).all()


def test_a_batch_smaller_than_the_world_is_refused(build: Build) -> None:
    with pytest.raises(UsageError, match="3 rows cannot be shared by 4 processes"):
        build(batch=3).window(0, 0, 4)


def test_a_missing_lexicon_is_refused_at_the_start(tokens: TokenSet) -> None:
    with pytest.raises(UsageError, match="needs a lexicon"):
        Loader(tokens, TokenMasking(), SimilarWord(), None, 0, 0, 4, True)


def test_a_batch_moves_as_a_whole(build: Build) -> None:
    moved = build().window(0).batches[0].to("meta")
    assert {getattr(moved, f.name).device.type for f in fields(Batch)} == {"meta"}


def test_keys_of_draws_belong_to_seed_step_and_row(build: Build) -> None:
    """Whatever ranks and micro-batches share the rows."""
    loader = build()
    for step in (0, 3):
        wanted = key(loader.seed, "noise", step, loader.samples(step)).view(np.int64)
        shares = [loader.window(step, rank, world=2, micro_batch=2).batches for rank in range(2)]
        found = [batch.noise.numpy() for share in shares for batch in share]
        assert np.array_equal(np.concatenate(found), wanted)
    rows = loader.held_out(4, 4)[0]
    assert np.array_equal(loader.examined(rows)[0].noise, loader.examined(rows)[0].noise)
    assert len({*loader.window(0).batches[0].noise.tolist(), *loader.window(1).batches[0].noise.tolist()}) > 2
