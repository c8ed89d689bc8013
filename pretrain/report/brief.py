"""A row of measurements in one line, for the eyes of a person who waits."""

from collections.abc import Iterator, Mapping

from corpora.stage import JSON

HELD_OUT = "held_out_"


def brief(row: Mapping[str, JSON]) -> str:
    """What a person wants to see of a row of training; "" of one that is none.

    >>> brief({"step": 40, "loss": 6.5, "mlm": 6.5, "mlm_accuracy": 0.12, "learning_rate": 1e-4})
    'step 40: loss 6.500, 12.0% right, lr 1.0e-04'
    """
    words = list(_measured_apart(row) if f"{HELD_OUT}mlm" in row else _training(row))
    return f"step {row['step']:,}: {', '.join(words)}" if words and "step" in row else ""


def _training(row: Mapping[str, JSON]) -> Iterator[str]:
    if "kl_delta" in row:
        yield f"the perturbation moves predictions by KL {row['kl_delta']:.3g}"
        yield f"a random one by {row['kl_random']:.3g}"
        yield f"dropout alone by {row['kl_zero']:.3g}"
    if "loss" not in row:
        return
    terms = [name.removesuffix("_accuracy") for name in row if name.endswith("_accuracy")]
    parts = ", ".join(f"{name} {row[name]:.3f}" for name in terms if name in row) if len(terms) > 1 else ""
    yield f"loss {row['loss']:.3f}" + (f" ({parts})" if parts else "")
    if "divergence" in row:
        yield f"divergence {row['divergence']:.3g}"
    if "mlm_accuracy" in row:
        yield f"{row['mlm_accuracy']:.1%} right"
    if "tokens_per_second" in row:
        yield f"{thousands(row['tokens_per_second'])} tokens/s"
    if "share_of_peak" in row:
        yield f"{row['share_of_peak']:.0%} of peak"
    if "learning_rate" in row:
        yield f"lr {row['learning_rate']:.1e}"
    if "gradient_norm" in row:
        yield f"gradient {row['gradient_norm']:.2g}"


def _measured_apart(row: Mapping[str, JSON]) -> Iterator[str]:
    accuracies = {name: row.get(f"{HELD_OUT}{name}_accuracy") for name in ("unigram", "copy")}
    beside = "; ".join(f"{name} {value:.1%}" for name, value in accuracies.items() if value is not None)
    yield f"held out: loss {row[f'{HELD_OUT}mlm']:.3f}"
    yield f"{row[f'{HELD_OUT}mlm_accuracy']:.1%} of tokens right" + (f" ({beside})" if beside else "")
    if (words := row.get(f"{HELD_OUT}mlm_word_accuracy")) is not None:
        yield f"{words:.1%} of words"


def thousands(value: float) -> str:
    """A number in three figures: `812`, `18.2k`, `1.25M`."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def clock(seconds: float) -> str:
    """Hours, minutes and seconds: `0:05:10`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
