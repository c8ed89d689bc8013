"""How an export is opened: what its card, the end of a run and `maskwright export` tell."""

from collections.abc import Iterator, Mapping

from corpora.stage import JSON
from pretrain.networks.weights import ENCODER, GENERATOR


def opening(facts: Mapping[str, JSON], encoder: bool, folder: str) -> str:
    """Lines of Python that open every network of an export, each with all of its weights.

    `facts` are the export's; `encoder`: there is one apart, with its trained pooler; `folder` is where it all
    stands, as Python says it.

    >>> print(opening({"model": "ElectraForPreTraining", "generator": None}, False, '"mine"'))
    from transformers import AutoModelForPreTraining, AutoTokenizer
    <BLANKLINE>
    model = AutoModelForPreTraining.from_pretrained("mine")
    tokenizer = AutoTokenizer.from_pretrained("mine")
    """
    opened = list(_opened(facts, encoder))
    classes = ", ".join(sorted({opener for _, opener, _ in opened}))
    lines = [f"{name} = {opener}.from_pretrained({folder}{inside})" for name, opener, inside in opened]
    return "\n".join([f"from transformers import {classes}", "", *lines])


def _opened(facts: Mapping[str, JSON], encoder: bool) -> Iterator[tuple[str, str, str]]:
    """Name, class and further arguments of each."""
    if "generator" not in facts:
        yield "model", "AutoModelForMaskedLM", ""
    elif facts["model"].endswith("ForPreTraining"):  # ELECTRA's own: the discriminator with its head
        yield "model", "AutoModelForPreTraining", ""
    else:
        yield "model", "AutoModel", ""
    yield "tokenizer", "AutoTokenizer", ""
    if encoder:
        yield ENCODER, "AutoModel", f', subfolder="{ENCODER}"'
    if facts.get("generator"):
        yield GENERATOR, "AutoModelForMaskedLM", f', subfolder="{GENERATOR}"'
