"""Which source each held-out document is of: what training measures apart.

The part `held_out_sources.json` of a token set: the sources' names, and for each document of the split, in
order, the number of its source among them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corpora.artefact import Artefact, Draft
from corpora.shards import read_shards
from corpora.stage import JSON

PART = "held_out_sources.json"
SPLIT = "validation"


@dataclass(frozen=True)
class Sources:
    """The sources of held-out documents."""

    names: Sequence[str]
    of_documents: NDArray[np.int64]  # (documents,) into `names`


def write(out: Draft, shards: Artefact) -> None:
    """Write the part."""
    titles = [str(document.metadata["source"]) for document in read_shards(shards, SPLIT)]
    names = sorted(set(titles))
    numbers = {name: number for number, name in enumerate(names)}
    out.write_json(PART, {"names": names, "documents": [numbers[title] for title in titles]})


def read(tokens: Artefact) -> Sources | None:
    """The sources of a token set's held-out documents; None where it does not know them."""
    if PART not in tokens.files:
        return None
    value = tokens.read_json(PART)
    return Sources(value["names"], np.array(value["documents"], np.int64))


def kept(shards: Artefact) -> dict[str, JSON]:
    """How many documents and characters of each source are in the splits."""
    told: Mapping[str, Mapping[str, JSON]] = shards.facts.get("sources", {})
    return {title: {split: facts[split] for split in ("train", SPLIT)} for title, facts in told.items()}
