"""The last phases: how much goes into which file, and the files."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import zstandard
from numpy.typing import NDArray

from corpora import arrow, disk
from corpora.accounts import Account
from corpora.ledger import Tally
from corpora.mixture import Share
from corpora.parts import made_elsewhere
from corpora.rejects import Rejects
from corpora.runs import Rows, Run, between, load, save
from corpora.settling import CUT, LEFT
from corpora.shards import line_of
from corpora.shuffling import BINS, SPLITS, ShardFile, bins, is_held, least_key, samples
from corpora.workers import At
from corpora.workshop import Job, Workshop

SIZE = np.dtype([("bin", "<u4"), ("characters", "<i8")])


@dataclass(frozen=True)
class Measure(Job):
    """Makes `measured/TASK`: the characters that it adds to each bin, and its account of what is kept."""

    task: str
    shares: tuple[Share, ...]

    def fill(self, place: Path, shop: Workshop) -> None:
        """Do it."""
        disk.make_folder(place)
        account, sizes = Account(Rejects(0)), np.zeros(2 * BINS, np.int64)
        for run in shop.runs(self.task):
            found = _taken(run, self.shares, shop)
            characters = np.where(found.taken, found.left, 0)
            sizes += np.bincount(bins(found.rows["key"]), characters, 2 * BINS).astype(np.int64)
            self._count(found, account, shop)
        filled = np.flatnonzero(sizes)
        records = np.empty(len(filled), SIZE)
        records["bin"], records["characters"] = filled, sizes[filled]
        save(place / "sizes", records)
        account.save(place)

    def _count(self, run: "_Taken", account: Account, shop: Workshop) -> None:
        sources = shop.sources(run.rows)
        for source in np.unique(sources).tolist():
            ledger, mine = account.ledgers[shop.titles[source]], sources == source
            for half, split in enumerate(SPLITS):
                _tally(ledger.kept[split], run.left[mine & run.taken & (run.held == half)])
            _tally(ledger.copies, run.left[mine & run.taken & (run.rows["copy"] > 0)])
            nowhere = mine & (run.rows["copy"] == 0) & (run.left > 0) & ~run.taken
            if nowhere.any():
                _tally(ledger.left_out[self.shares[source].by], run.left[nowhere])

    def __str__(self) -> str:
        """What is looked at."""
        return f"the share of task {self.task}"


def _tally(tally: Tally, characters: NDArray[np.uint32]) -> None:
    tally.add(int(characters.sum(dtype=np.int64)), len(characters))


@dataclass(frozen=True)
class _Taken:
    """Some rows of a run, and which of them are taken."""

    rows: Rows
    left: NDArray[np.uint32]
    held: NDArray[np.bool_]
    taken: NDArray[np.bool_]


def _taken(
    run: Run, shares: Sequence[Share], shop: Workshop, first: int = 0, last: int | None = None
) -> _Taken:
    rows, left = run.rows(first, last), load(run.file("left", "settled"), LEFT, first, last)
    held, copies = is_held(rows["key"]), np.zeros(len(rows), np.int64)
    order, sources = samples(rows["number"], shop.seed), shop.sources(rows)
    for source in np.unique(sources).tolist():
        mine = sources == source
        copies[mine] = shares[source].copies(order[mine], held[mine])
    return _Taken(rows, left, held, (left > 0) & (rows["copy"] < copies))


@dataclass(frozen=True)
class Write(Job):
    """Makes shard files that follow each other, each a part of the artefact; `part` is the last of them."""

    files: tuple[ShardFile, ...]
    shares: tuple[Share, ...]

    def make(self, shop: Workshop) -> Iterator[str | At | None]:
        """Do it. Memory is two to three times the text of the files."""
        rows, lines = self._sorted(shop)
        borders = [least_key(file.first) for file in self.files]
        begins = [*np.searchsorted(rows["key"], np.array(borders, np.uint64)).tolist(), len(rows)]
        for file, begin, end in zip(self.files, begins[:-1], begins[1:], strict=True):
            with made_elsewhere(shop.draft, file.part) as path, disk.SyncedFile(path) as out:
                out.write(zstandard.ZstdCompressor(write_checksum=True).compress(_joined(lines[begin:end])))
            yield None
            yield file.part

    def _sorted(self, shop: Workshop) -> tuple[Rows, pa.Array]:
        """The rows of the files, in order, and their lines."""
        least, beyond = least_key(self.files[0].first), least_key(self.files[-1].last)
        rows, lines = list[Rows](), list[pa.Array]()
        for run in shop.runs():
            some, pieces = _segment(run, least, beyond, self.shares, shop)
            rows.append(some)
            lines += pieces
        whole = np.concatenate(rows)
        order = np.lexsort((whole["number"], whole["key"]))
        return whole[order], pa.concat_arrays(lines).take(arrow.numbers(order))

    def __str__(self) -> str:
        """What is written."""
        return f"writing {self.files[0].part} to {self.files[-1].part}"


def _segment(
    run: Run, least: int, beyond: int, shares: Sequence[Share], shop: Workshop
) -> tuple[Rows, list[pa.Array]]:
    """Rows of a run with keys in a range, those that are taken; their lines, in pieces."""
    first, last = run.between(least, beyond)
    found = _taken(run, shares, shop, first, last)
    pieces, at = list[pa.Array](), 0
    for block in run.lines(first, last):
        pieces.append(block.take(arrow.numbers(np.flatnonzero(found.taken[at : at + len(block)]))))
        at += len(block)
    cuts = run.file("cuts", "settled")
    some = load(cuts, CUT, *between(cuts, CUT, first, last))
    if len(some):
        pieces = [_without(pa.concat_arrays(pieces), np.flatnonzero(found.taken) + first, some)]
    return found.rows[found.taken], pieces


def _without(lines: pa.Array, rows: NDArray[np.int64], cuts: NDArray[np.void]) -> pa.Array:
    """Lines of these rows, the paragraphs that are cut taken out of their texts."""
    parts = defaultdict[int, set[int]](set)
    for row, part in cuts.tolist():
        parts[row].add(part)
    whole = zip(rows.tolist(), lines.to_pylist(), strict=True)
    return arrow.binaries([_shorter(line, parts[row]) if row in parts else line for row, line in whole])


def _shorter(line: bytes, parts: set[int]) -> bytes:
    row = json.loads(line)
    paragraphs = enumerate(row["text"].split("\n"))
    text = "\n".join(paragraph for part, paragraph in paragraphs if part not in parts)
    return line_of(row["id"], text, row["source"])


def _joined(lines: pa.Array) -> memoryview:
    """The bytes of lines that stand one after the other in memory."""
    _, places, data = lines.buffers()
    places = np.frombuffer(places, np.int64, len(lines) + 1, lines.offset * 8)
    return memoryview(data)[places[0] : places[-1]]
