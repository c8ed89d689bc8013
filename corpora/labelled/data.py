"""Labelled data: what fine-tuning learns and is tested on, and so is kept out of pre-training text."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from corpora.document import Document
from corpora.errors import BadData
from corpora.fields import RowReader, listed, nearest
from corpora.filters import REPAIR, clean
from corpora.labelled.raw import Raw
from corpora.labelled.readers import Known, reader_of
from corpora.labelled.rows import LabelledRows, Row, Split
from corpora.labelled.settings import LabelledSettings
from corpora.labelled.splitting import Named, distinct, split
from corpora.lines import lines
from corpora.paths import Located, locate
from corpora.places import Encoded, File, Place
from corpora.readers import Datasets

Found = tuple[Place, Raw]
"""A file, and a row of it."""


FEW_LABELS = 20
"""So many labels are never too many for their rows."""

LEFT_OUT = {
    "empty": "without text",
    "unlabelled": "without label",
    "invalid": "that could not be read",
    "repeated": "repeats",
    "conflicting": "of one text with several labels",
}
"""Counts of rows that are not used, in words."""


class LabelledData(LabelledSettings):
    """Where labelled rows are, and which of them are held out."""

    def outside(self) -> Sequence[File]:
        """The files that are read, in reading order.

        Raises:
            BadData: one of them is missing.
        """
        named = [self.files[label] for label in sorted(self.files)] if self.path is None else [self.path]
        first = [file for name in named for file, _ in self._located(name)]
        apart = [name for name in (self.dev, self.test, *self.others.values()) if isinstance(name, str)]
        return list(dict.fromkeys([*first, *(file for name in apart for file, _ in self._apart(name))]))

    def load(self) -> LabelledRows:
        """Read, clean, remove repeats, split.

        Raises:
            BadData: a file is missing, damaged or lacks a column; a row cannot be read; a held-out row has a
                label that no training row has; there are fewer than two classes; a split that was asked for
                stays empty.
        """
        counts = Counter(read=0, empty=0)
        rows = [*self._rows(self._learnt_from(counts), counts)]
        if not rows:
            raise BadData(
                f"{self.title} has no rows{_left_out(counts)}; give a file that has: {self._form()}"
            )
        splits: dict[Split, list[Named]] = {"train": rows, "dev": [], "test": []}
        if any(self.shares):
            splits = split(distinct(rows, counts), self.kind, *self.shares)
        places = {"dev": self.dev, "test": self.test, **self.others}
        apart = {name: place for name, place in places.items() if isinstance(place, str)}
        held = {name: self._held_out(place, counts) for name, place in apart.items()}
        return self._numbered(splits, held, counts)

    def unlabelled(self, path: str) -> tuple[Row, ...]:
        """The rows of another file of this form, which need no labels: to be predicted. Texts as they stand.

        Raises:
            BadData: it is missing, damaged, lacks a column, or has no rows.
        """
        counts: Counter[str] = Counter()
        found = self._found(locate(path), counts, labelled=False)
        rows = tuple(_row(place, raw, raw.text, raw.second) for place, raw in found)
        if not rows:
            raise BadData(f"{path} has no rows; give a file that has: {self._form(labelled=False)}")
        return rows

    def _form(self, labelled: bool = True) -> str:
        """What a file of such rows looks like."""
        if isinstance(self.reader, Known):
            return f"one as `reader: {self.reader.name}` reads it"
        if self.files:
            return "a text a line"
        columns = self.columns(labelled)
        named = (each[0] for each in (columns.text, columns.second, columns.known) if each)
        return f"below the names of its columns ({', '.join(named)}), a row a line"

    def _located(self, name: str) -> list[Located]:
        if isinstance(self.reader, Datasets):
            return [Located(file) for file in self.reader.files(name)]
        return locate(name)

    def _apart(self, name: str) -> list[Located]:
        """The files of held-out rows; of a data set, of that split."""
        if isinstance(self.reader, Datasets) and self.path is not None:
            reader = self.reader.model_copy(update={"split": name})
            return [Located(file) for file in reader.files(self.path)]
        try:
            return locate(name)
        except BadData as error:
            share = "" if set("/.") & set(name) else "; a share of the rows is a number, such as 0.1"
            raise BadData(f"{error}{share}") from error

    def _learnt_from(self, counts: Counter[str]) -> Iterator[Found]:
        if self.path is not None:
            yield from self._found(self._located(self.path), counts)
        for label in sorted(self.files):
            for place in _places(locate(self.files[label])):
                encoded = Encoded(place, self.encoding)
                yield from ((place, Raw(line, text, label=label)) for line, text in lines(encoded))

    def _found(
        self, located: Iterable[Located], counts: Counter[str], labelled: bool = True
    ) -> Iterator[Found]:
        columns = self.columns(labelled)
        for place in _places(located):
            reader, encoded = reader_of(self.reader, place), Encoded(place, self.encoding)
            if isinstance(reader, RowReader):
                found = columns.read(reader, encoded)
            else:
                found = reader.read(encoded, labelled)
            for raw in found:
                if isinstance(raw, Raw):
                    yield place, raw
                elif self.invalid == "strict":
                    raise BadData(f"{place}:{raw.line}: {raw.complaint}")
                else:
                    counts["invalid"] += 1
                    counts["read"] += 1

    def _rows(self, found: Iterable[Found], counts: Counter[str]) -> Iterator[Named]:
        """The rows, and what they are labelled with; those without text or label are counted and left out."""
        for place, raw in found:
            counts["read"] += 1
            label = raw.label if isinstance(raw.label, str) else ""
            texts = self._texts(raw)
            if label in self.without_label:
                counts["unlabelled"] += 1
            elif texts is None:
                counts["empty"] += 1
            else:
                yield self._renamed(_row(place, raw, *texts), label)

    def _texts(self, raw: Raw) -> tuple[str, str | None] | None:
        """The texts, repaired as pre-training text is where no places in them are known; None: no text."""
        if self.kind in ("spans", "answers"):
            return (raw.text, raw.second) if raw.text.strip() else None
        text, second = _cleaned(raw.text), raw.second and _cleaned(raw.second)
        return (text, second) if text or second else None

    def _renamed(self, row: Row, label: str) -> Named:
        if not self.names:
            return row, label
        for each in {label} - {""} | {span.type for span in row.spans}:
            if each not in self.names:
                known = listed([*self.names]) + _meant(each, self.names)
                raise BadData(f"{row.place}: label {each!r} is none of those under `names`: {known}")
        spans = tuple(span._replace(type=self.names[span.type]) for span in row.spans)
        return replace(row, spans=spans), self.names.get(label, label)

    def _held_out(self, name: str, counts: Counter[str]) -> list[Named]:
        rows = [*self._rows(self._found(self._apart(name), counts), counts)]
        if not rows:
            raise BadData(f"{name} has no rows; give a file that has, or a share of {self.title} such as 0.1")
        return rows

    def _numbered(
        self, splits: Mapping[Split, list[Named]], held: Mapping[str, list[Named]], counts: Counter[str]
    ) -> LabelledRows:
        known = {name for rows in splits.values() for named in rows for name in _names(named)}
        labels = tuple(sorted(known | set(self.names.values())))
        if self.kind == "classes":
            self._refuse_labels(labels, sum(map(len, splits.values())), counts)
        if self.kind == "spans" and not labels:
            raise BadData(
                f"{self.title} has no labelled span in its {len(splits['train'])} rows{_left_out(counts)}"
            )
        self._refuse_empty(splits, counts)
        for rows in held.values():
            _refuse_unknown(rows, labels)
        numbers = {label: number for number, label in enumerate(labels)}
        done: dict[str, tuple[Row, ...]] = {}
        for name, named in (*splits.items(), *held.items()):
            done[name] = _with_numbers(named, numbers)
        counts.update({name: len(rows) for name, rows in done.items()})
        train, dev, test = (done.pop(name) for name in ("train", "dev", "test"))
        remarks = tuple(_remarks(train, {"dev": dev, "test": test, **done}, counts))
        return LabelledRows(labels, train, dev, test, dict(counts), done, self.kind, remarks)

    def _refuse_labels(self, labels: Sequence[str], rows: int, counts: Mapping[str, int]) -> None:
        """Two classes at least; and not one for nearly every row, as where a column of texts is taken."""
        if len(labels) < 2:
            left = _left_out(counts)
            raise BadData(
                f"{self.title} has rows of {len(labels)} label(s) {list(labels)}{left}; two are needed"
            )
        if not self.names and len(labels) > max(FEW_LABELS, rows / 2):
            where = "" if self.files else f" (column {listed([*self.columns(labelled=True).known])})"
            such = listed(labels[:2])
            raise BadData(
                f"{self.title} has {len(labels):,} labels in {rows:,} rows{where}, such as {such}: a class "
                "needs several rows. Take the column of the classes as `label`; for numbers, say "
                "`value: COLUMN` and `task: regression`; if they are classes, name all of them under `names`"
            )

    def _refuse_empty(self, splits: Mapping[Split, list[Named]], counts: Mapping[str, int]) -> None:
        total = sum(map(len, splits.values()))
        asked: dict[Split, float] = dict(zip(("dev", "test", "train"), (*self.shares, 1.0), strict=True))
        for name, share in asked.items():
            if share and not splits[name]:
                left = _left_out(counts)
                raise BadData(f"{self.title} has {total} rows{left}, none falls into {name}; give more rows")


def _places(located: Iterable[Located]) -> Iterator[Place]:
    return (place for each in located for place in each.places())


def _row(place: Place, raw: Raw, text: str, second: str | None) -> Row:
    number = raw.label if isinstance(raw.label, float) else None
    identity, file = f"{_shown(place.name)}:{raw.line}", _shown(str(place))
    return Row(text, second, number, raw.spans, raw.answers, raw.tokens, raw.id, identity, file)


def _shown(name: str) -> str:
    """A name of any bytes, as text."""
    return name.encode(errors="surrogateescape").decode(errors="replace")


def _cleaned(text: str) -> str:
    cleaned = clean(Document(text=text, id=""), REPAIR).result
    return "" if isinstance(cleaned, str) else cleaned.text


def _names(named: Named) -> set[str]:
    """The classes, or types, that a row has."""
    row, name = named
    return {name} - {""} | {span.type for span in row.spans}


def _refuse_unknown(rows: Iterable[Named], labels: Sequence[str]) -> None:
    for named in rows:
        for name in sorted(_names(named) - {*labels}):
            raise BadData(
                f"{named[0].place}: label {name!r} is in no training row (there: {listed(labels)})"
                f"{_meant(name, labels)}; mend the row, or name all labels under `names`"
            )


def _meant(label: str, known: Iterable[str]) -> str:
    near = nearest(label, known)
    return f"; did you mean {near!r}?" if near is not None else ""


def _left_out(counts: Mapping[str, int]) -> str:
    """What became of the rows that were read and are not there, if any."""
    told = [f"{counts[name]:,} {what}" for name, what in LEFT_OUT.items() if counts.get(name)]
    return f" ({counts['read']:,} read: {', '.join(told)})" if told else ""


def _with_numbers(rows: Iterable[Named], numbers: Mapping[str, int]) -> tuple[Row, ...]:
    return tuple(replace(row, label=numbers[name]) if name else row for row, name in rows)


def _remarks(
    train: Sequence[Row], held: Mapping[str, Sequence[Row]], counts: Mapping[str, int]
) -> Iterator[str]:
    if counts.get("invalid"):
        yield f"{counts['invalid']:,} of {counts['read']:,} labelled rows could not be read and are left out"
    for name in ("empty", "conflicting"):
        if counts.get(name):
            yield f"{counts[name]:,} of {counts['read']:,} labelled rows are left out: {LEFT_OUT[name]}"
    learnt = {row.key for row in train}
    for name, rows in held.items():
        if both := sum(row.key in learnt for row in rows):
            yield f"{both:,} of the {len(rows):,} {name} rows are training rows, too: as given, they stay"
