"""The papers of the methods that a comparison used, as BibTeX."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel

from pretrain.reading.shape import tag_of
from pretrain.recipe import Recipe

ENTRIES = Path(__file__).with_name("references.bib")
ALWAYS = ("efron1979bootstrap",)  # the intervals of every table

PAPERS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("strategy", "token"): ("devlin2019bert",),
    ("strategy", "bert"): ("devlin2019bert",),
    ("strategy", "whole_word"): ("cui2021wwm",),
    ("strategy", "ngram"): ("cui2020macbert",),
    ("strategy", "similar_word"): ("cui2020macbert",),
    ("strategy", "span"): ("joshi2020spanbert",),
    ("strategy", "electra"): ("clark2020electra",),
    ("name", "lamb"): ("you2020lamb",),
    ("name", "adamw"): ("loshchilov2019adamw",),
    ("method", "alum"): ("liu2020alum",),
    ("method", "pgd"): ("madry2018pgd",),
    ("method", "free_at"): ("shafahi2019free",),
    ("method", "freelb"): ("zhu2020freelb",),
    ("method", "smart"): ("jiang2020smart",),
    ("method", "text_at"): ("li2021tavat",),
    ("method", "r3f"): ("aghajanyan2021r3f",),
    ("attack", "wordnet"): ("miller1995wordnet",),
}
"""(key that chooses a member, member) -> what to cite."""

OBJECTIVES = {"sop": "lan2020albert", "nsp": "devlin2019bert", "electra": "clark2020electra"}


def bibliography(recipes: Iterable[Recipe]) -> str:
    """The entries of all methods in these recipes, in the order of the file."""
    cited = {*ALWAYS, *(key for recipe in recipes for one in recipe.stages.values() for key in _cited(one))}
    entries = ENTRIES.read_text("utf-8").strip().split("\n\n")
    return "\n\n".join(entry for entry in entries if _key(entry) in cited) + "\n"


def _key(entry: str) -> str:
    return entry.partition("{")[2].partition(",")[0]


def _cited(value: object) -> Iterator[str]:
    """What the settings in a value are to be cited by."""
    if isinstance(value, BaseModel):
        tag = tag_of(type(value))
        yield from PAPERS.get(tag, ()) if tag else ()
        if getattr(value, "queries", 0):
            yield "jin2020textfooler"
        for name in type(value).model_fields:
            inner = getattr(value, name)
            if name in OBJECTIVES and inner is not None:
                yield OBJECTIVES[name]
            yield from _cited(inner)
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _cited(one)
