"""The model card of an export: `README.md` as the hub reads it, written from what training noted.

What a later stage says of an earlier one travels in facts: of the text into the token set's, of both and of
each phase of training into the checkpoint's. So a card needs nothing but the checkpoint that is exported.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from corpora.stage import JSON
from pretrain.snippets import opening

HELD_OUT = "held_out_"
BODY = """
# {title}

{parameters:,} weights, pre-trained with maskwright: {steps:,} steps, {tokens:,} tokens read.

```python
folder = "."  # this folder, or its name on the hub

{opening}
```

{note}{what} for any other task, fine-tune it.
It has learnt what its text says, right or wrong.

## How well it predicts

{measured}

## Training

{phases}

{masks}

## Text

{text}
"""
HEADED = """`AutoModel` opens it without the head that finds replaced tokens.

"""
ENCODER = """`encoder` is the bare encoder with its trained pooler.

"""
DETECTIONS = """These predictions are the generator's; {sampled_accuracy} of its draws are right.
Of all tokens, {replaced_share} are replaced. The discriminator says of {accuracy} rightly what they are:
it finds {recall} of the replaced ones, and {precision} of what it finds is such."""
PHASES = (
    *("steps", "batch", "length", "tokens", "objectives", "masking", "replacement", "optimizer", "precision"),
)
DETECTED = ("sampled_accuracy", "accuracy", "replaced_share", "recall", "precision")
HEADINGS = (
    "| phase | steps | rows a step | row length | tokens | objectives | masking | replacement | optimizer |"
)


@dataclass(frozen=True)
class Wishes:
    """What only the one who exports can know."""

    license: str | None = None
    languages: Sequence[str] = ()


def phase(settings: Mapping[str, JSON], tokens: Mapping[str, JSON], base: str | None) -> dict[str, JSON]:
    """What a card tells of one training stage; `base` is the hub name that it started from, if any."""
    masking, replacement = settings["masking"], settings["replacement"]
    return {
        "steps": settings["steps"],
        "batch": settings["batch"],
        "length": tokens["length"],
        "objectives": {name: term["weight"] for name, term in settings["objectives"].items() if term},
        "optimizer": settings["optimizer"]["name"],
        "learning_rate": settings["optimizer"].get("lr"),
        "precision": settings["speed"]["precision"],
        "masking": masking["strategy"],
        "budget": masking.get("budget"),
        "replacement": replacement["strategy"],
        "base_model": base,
        "sources": tokens.get("sources", {}),
    }


def card(
    export: Mapping[str, JSON],
    training: Mapping[str, JSON],
    log: Iterable[str],
    encoder: bool,
    wishes: Wishes,
) -> str:
    """The text of the card. `log` is that of the exported step; `encoder`: the pooler is exported too.

    Of a discriminator, `export` holds the class of its `generator`, or None.
    """
    rows = [json.loads(line) for line in log]
    held_out: dict[str, JSON] = next((row for row in reversed(rows) if f"{HELD_OUT}mlm" in row), {})
    phases = [dict(one) for one in training.get("phases", [])]
    for last in phases[-1:]:
        last["steps"], last["tokens"] = export["step"], _tokens(rows)
    body = BODY.format(
        title=export["model"],
        parameters=export["parameters"],
        steps=sum(one["steps"] for one in phases) or export["step"],
        tokens=sum(one["tokens"] for one in phases) or _tokens(rows),
        **_use(export, encoder),
        measured="\n".join(_measured(held_out)) or "Nothing was measured on held-out text.",
        phases="\n".join(_phases(phases)) or "Its settings were not noted.",
        masks=_masks(training.get("masking", {})),
        text="\n".join(_text(phases)) or "Its sources were not noted.",
    )
    return f"---\n{_header(export, phases, held_out, wishes)}\n---\n{body}"


def _use(export: Mapping[str, JSON], encoder: bool) -> dict[str, str]:
    """How to open it, and what it does."""
    what, note = "The model predicts masked tokens;", ENCODER if encoder else ""
    if "generator" in export:
        what = "The model is a discriminator: it finds tokens that a generator put into a text;"
        note = HEADED if export["model"].endswith("ForPreTraining") else ""
    return {"opening": opening(export, encoder, "folder"), "note": note, "what": what}


def _tokens(rows: Iterable[Mapping[str, JSON]]) -> int:
    return sum(row.get("real_tokens", 0) for row in rows)


def _header(
    export: Mapping[str, JSON],
    phases: Sequence[Mapping[str, JSON]],
    held_out: Mapping[str, JSON],
    wishes: Wishes,
) -> str:
    """The YAML of the hub."""
    from huggingface_hub import EvalResult, ModelCardData

    names = {"accuracy": "held-out masked tokens right", "word_accuracy": "held-out masked words right"}
    found = {name: held_out.get(f"{HELD_OUT}mlm_{name}") for name in names}
    results = [
        EvalResult(
            "fill-mask", "held-out", "held-out rows", "accuracy", round(share, 6), metric_name=names[name]
        )
        for name, share in found.items()
        if share is not None
    ]
    if "generator" in export:
        results = []  # they are its, and not of this model
    data = ModelCardData(
        language=list(wishes.languages) or None,
        license=wishes.license,
        base_model=next((one["base_model"] for one in phases if one["base_model"]), None),
        library_name="transformers",
        pipeline_tag="feature-extraction" if "generator" in export else "fill-mask",
        tags=["maskwright", *dict.fromkeys(one["masking"] for one in phases)],
        model_name=export["model"],
        eval_results=results or None,
    )
    return str(data.to_yaml()).strip()


def _measured(row: Mapping[str, JSON]) -> Iterator[str]:
    """Held-out shares, by token and by word, beside the baselines."""
    if not row:
        return
    yield "| held out | tokens | nats a token | right | unigram | copy | words right | unigram | copy |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    prefix = f"{HELD_OUT}mlm/"
    sources = sorted(key.removeprefix(prefix) for key in row if key.startswith(prefix))
    for name, ending in [("all", ""), *((name, f"/{name}") for name in sources)]:
        shares = [
            f"{row[key]:.2%}" if (key := f"{HELD_OUT}{what}{unit}_accuracy{ending}") in row else ""
            for unit in ("", "_word")
            for what in ("mlm", "unigram", "copy")
        ]
        count = f"{row[f'{HELD_OUT}tokens{ending}']:,.0f}"
        yield f"| {_cell(name)} | {count} | {row[f'{HELD_OUT}mlm{ending}']:.3f} | {' | '.join(shares)} |"
    yield ""
    yield "Unigram: always the most frequent token. Copy: what stands at the position. A word is right when"
    yield "all of its masked tokens are."
    yield ""
    yield from (
        f"{name.upper()}: {row[f'{HELD_OUT}{name}_accuracy']:.2%} of held-out pairs right."
        for name in ("sop", "nsp")
        if f"{HELD_OUT}{name}_accuracy" in row
    )
    yield from _detections(row)


def _detections(row: Mapping[str, JSON]) -> Iterator[str]:
    """How well a discriminator finds what its generator put in."""
    found = {name: f"{row[key]:.2%}" for name in DETECTED if (key := f"{HELD_OUT}electra_{name}") in row}
    if found:
        told = {**dict.fromkeys(DETECTED, "none"), **found}
        yield DETECTIONS.format(**told)
        yield ""


def _phases(phases: Sequence[Mapping[str, JSON]]) -> Iterator[str]:
    if phases:
        yield f"{HEADINGS} precision |"
        yield "|---:|---:|---:|---:|---:|---|---|---|---|---|"
    for number, one in enumerate(phases, start=1):
        yield f"| {number} | {' | '.join(_cell(_told(one, key)) for key in PHASES)} |"


def _told(one: Mapping[str, JSON], key: str) -> str:
    value = one[key]
    if key == "objectives":
        return ", ".join(f"{name} {weight:g}" for name, weight in value.items())
    if key == "masking" and isinstance(one["budget"], float):
        return f"{value}, {one['budget']:.0%}"
    if key == "optimizer" and one["learning_rate"]:
        return f"{value}, {one['learning_rate']:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _masks(realised: Mapping[str, float]) -> str:
    """What was done to the positions to predict, as counted."""
    if not realised:
        return ""
    shares = (
        f"{name.removesuffix('_share')} {v:.1%}"
        for name, v in realised.items()
        if name.endswith("_share") and v
    )
    rate, spread = realised["mask_rate"], realised["mask_rate_deviation"]
    told = f"As counted: {rate:.2%} of each row's tokens to predict (standard deviation {spread:.2%}); "
    return f"{told}{', '.join(shares)}."


def _text(phases: Sequence[Mapping[str, JSON]]) -> Iterator[str]:
    """Each source once; a later phase on the same text adds nothing."""
    sources = {name: facts for one in phases for name, facts in one["sources"].items()}
    if sources:
        yield "| source | documents | characters | held out |"
        yield "|---|---:|---:|---:|"
    for name, facts in sorted(sources.items()):
        train, kept = facts["train"], facts["validation"]
        yield f"| {_cell(name)} | {train['documents']:,} | {train['characters']:,} | {kept['documents']:,} |"


def _cell(text: str) -> str:
    """Text that cannot end its cell."""
    return text.replace("|", "\\|").replace("\n", " ")
