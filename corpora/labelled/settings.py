"""Settings of labelled data: where the rows are, what stands in which column, which are held out."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from corpora.encodings import Encoding
from corpora.labelled.columns import Columns
from corpora.labelled.layouts import Layout, laid_out
from corpora.labelled.readers import Known, Reader
from corpora.labelled.rows import Kind
from corpora.settings import Items, Settings

Column = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(ge=0, lt=1)]


class LabelledSettings(Settings):
    """Where labelled rows are, and which of them are held out."""

    files: Mapping[str, str] = Field(default_factory=dict)
    """Label -> path of a file with one text a line."""

    path: str | None = None
    """Path of a table (.csv, .tsv, .jsonl, .json, .parquet, .arrow, also compressed or in a .zip) or of what
    `reader` names; with `layout` the folder of a published data set, with `reader: datasets` a folder or name
    of that library."""

    layout: Layout | None = None
    """A published data set: its files within the folder `path` and its columns; what is said besides counts.
    GLUE: cola, sst2, mrpc, stsb, qqp, mnli, qnli, rte. CLUE, HFL, CBLUE: the others."""

    reader: Reader | None = None
    """How files are read; left out, by the ends of their names, as tables."""

    text: Column | Items[Column] = "text"
    """The column of the text, or a template of several: "{title}\\n{body}". Of several names ([premise,
    sentence1]) the first that a file has: so for all columns."""

    second: Column | Items[Column] | None = None
    """The column of the second text of a pair; of a question whose answer stands in `text`."""

    label: Column | Items[Column] = "label"
    """The column of the label."""

    value: Column | Items[Column] | None = None
    """In place of `label`: the column of a number to be predicted."""

    tags: Column | Items[Column] | None = None
    """In place of `label`: the column with a list of tags, one for each token of the list in `text`."""

    answers: Column | Items[Column] | None = None
    """In place of `label`: the column with answers as `datasets` has SQuAD's."""

    id: Column | None = "id"
    """The column of the row's own id; files may lack it."""

    only: Mapping[str, str] = Field(default_factory=dict)
    """Column -> what it must hold: other rows are left out. Files without the column are read whole."""

    names: Mapping[str, str] = Field(default_factory=dict)
    """Label in the files -> what it is called. If given, there may be no other label."""

    without_label: Items[str] = ()
    """Labels that say that a row has none, such as - of OCNLI: such rows are left out."""

    encoding: Encoding = "utf-8"
    """Of the files: utf-8, gb18030 (GBK and GB2312 are part of it), or auto, to find it out."""

    invalid: Literal["strict", "reject"] = "strict"
    """What is done about a row that cannot be read: `strict` stops there, `reject` counts it and goes on."""

    dev: Share | Column = 0.1
    """The rows that choose epochs and settings: a share of those of `path`, by a hash of the text, or a file
    of their own. With `reader: datasets` the name of a split."""

    test: Share | Column = 0.2
    """The rows that are looked at once, at the end: a share, or a file of their own, as `dev`."""

    others: Mapping[str, str] = Field(default_factory=dict)
    """Name -> file of further rows that are scored, too: MNLI's mismatched dev rows."""

    @model_validator(mode="before")
    @classmethod
    def _lay_out(cls, given: Any) -> Any:  # noqa: ANN401 - not yet validated
        return laid_out(given) if isinstance(given, Mapping) else given

    @model_validator(mode="after")
    def _can_be(self) -> "LabelledSettings":
        if bool(self.files) == bool(self.path):
            raise ValueError("give either `files` (label: path) or `path` (a table), not both or none")
        if sum(self.shares) >= 1:
            raise ValueError(f"dev {self.dev} + test {self.test} leave no rows to learn from")
        said = [name for name in ("value", "tags", "answers") if getattr(self, name) is not None]
        if len(said) > 1 or (said and self.files):
            other = said[0] if len(said) > 1 else "files"
            raise ValueError(f"`{said[-1]}` is there besides `{other}`: choose one")
        return self

    @property
    def kind(self) -> Kind:
        """What is known of each row."""
        if isinstance(self.reader, Known):
            return self.reader.kind
        if self.tags is not None:
            return "spans"
        return "answers" if self.answers is not None else "classes" if self.value is None else "values"

    @property
    def title(self) -> str:
        """What messages call the data."""
        return self.path or ", ".join(self.files.values())

    @property
    def shares(self) -> tuple[float, float]:
        """Of the rows of `path`, that go to dev and test."""
        dev, test = (share if isinstance(share, float | int) else 0.0 for share in (self.dev, self.test))
        return dev, test

    def columns(self, labelled: bool) -> Columns:
        """What is read of a table; without `labelled`, texts alone."""
        known = {"classes": self.label, "values": self.value, "spans": self.tags, "answers": self.answers}
        return Columns(
            kind=self.kind,
            text=_several(self.text),
            second=_several(self.second),
            known=_several(known[self.kind]) if labelled else (),
            id=self.id,
            only=self.only,
            remedy="say which it is, as in " + ("`{}: ...`" if labelled else "--{} ..."),
        )


def _several(names: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names or ()
