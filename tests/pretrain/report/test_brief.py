"""A row of measurements in one line."""

import pytest

from pretrain.report.brief import brief, clock, thousands

ROW = {
    **{"stage": "train", "step": 1400, "loss": 7.1, "mlm": 6.5, "mlm_accuracy": 0.123, "sop": 0.6},
    **{"sop_accuracy": 0.5, "learning_rate": 1e-4, "gradient_norm": 1.25, "tokens_per_second": 18_250.0},
    "share_of_peak": 0.41,
}


def test_a_line_of_training() -> None:
    assert brief(ROW) == (
        "step 1,400: loss 7.100 (mlm 6.500, sop 0.600), 12.3% right, 18.2k tokens/s, 41% of peak, "
        "lr 1.0e-04, gradient 1.2"
    )
    one = {"step": 1, "loss": 7.0, "mlm": 7.0, "mlm_accuracy": 0.0}
    assert brief(one) == "step 1: loss 7.000, 0.0% right"


def test_a_line_of_held_out_measures() -> None:
    row = {"step": 5, "held_out_mlm": 6.25, "held_out_mlm_accuracy": 0.2, "held_out_unigram_accuracy": 0.05}
    said = "step 5: held out: loss 6.250, 20.0% of tokens right (unigram 5.0%"
    assert brief(row) == f"{said})"
    row |= {"held_out_copy_accuracy": 0.1, "held_out_mlm_word_accuracy": 0.15}
    assert brief(row) == f"{said}; copy 10.0%), 15.0% of words"


@pytest.mark.parametrize("row", [{"step": 3, "skipped": 1}, {"epoch": 1, "accuracy": 0.5}, {}])
def test_other_rows_have_none(row: dict[str, float]) -> None:
    assert brief(row) == ""


def test_numbers_for_people() -> None:
    assert [thousands(v) for v in (7, 812.4, 18_250, 1_250_000)] == ["7", "812", "18.2k", "1.25M"]
    assert [clock(v) for v in (0, 61.9, 90_061)] == ["0:00:00", "0:01:01", "25:01:01"]
