"""The table as Markdown, LaTeX, CSV and a picture: what stands where, nothing that a reader would misread."""

import csv
import io
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from pretrain.comparing import published
from pretrain.comparing.lines import Apart, Line, Scores
from pretrain.comparing.plot import plot
from pretrain.comparing.references import ENTRIES, PAPERS, bibliography
from pretrain.comparing.table import Table, escaped, warnings
from pretrain.recipe import load

FIRST = Line(
    0,
    0,
    {
        "accuracy": Scores({0: 0.8, 1: 0.82}),
        "macro_f1": Scores({0: 0.79, 1: 0.81}),
        "under typos 15 %": Scores({0: 0.6, 1: 0.62}),
        "clean/typos 15 %": Scores({0: 0.81, 1: 0.83}),
        "queries/typos 15 %": Scores({0: 1.0, 1: 1.0}),
        "f1/PER": Scores({0: 0.1, 1: 0.1}),
    },
    0,
    1.0,
    2.0,
)
SECOND = Line(1, 0, {"accuracy": Scores({1: 0.85}, Apart(0.03, 0.03, 0.03, 1))}, 1, 3.0, 5.8)
LOST = Line(2, 0, {}, 2, None, None)
TABLE = Table(
    title="sst: score.adversarial",
    measure="accuracy",
    seeds=(0, 1),
    arms=["none", "free_lb & co", "pgd|2"],
    trials=[""],
    lines=[FIRST, SECOND, LOST],
    published=["96.4", "", ""],
    notes=["a note"],
)


def test_the_page_has_a_line_for_each_arm_and_no_empty_column() -> None:
    page = TABLE.markdown()
    head = "| arm | accuracy | median | difference | under typos 15 % | cost | diverged | published | seeds |"
    assert head in page
    none = (
        "| none | 81.00 ± 1.41 | 81.00 |  | 61.00 ± 1.41 | 1.00x passes, 1.00x time |  | 96.4 | 80.00 82.00 |"
    )
    assert none in page
    freelb = "| free_lb & co | 85.00 | 85.00 | +3.00 |  | 3.00x passes, 2.90x time | 1 of 2 |  | - 85.00 |"
    assert freelb in page
    assert r"| pgd\|2 |  |  |  |  |  | 2 of 2 |  | - - |" in page
    assert "| none | 80.00 ± 1.41 |" in page  # macro F1, beside
    assert "| none | typos 15 % | 61.00 ± 1.41 | 82.00 ± 1.41 | 1.0 |" in page
    assert "PER" not in page
    assert "* a note" in page


def test_latex_is_escaped_and_has_as_many_cells_as_columns() -> None:
    source = TABLE.latex()
    assert r"free\_lb \& co & 85.00" in source
    assert r"81.00 $\pm$ 1.41" in source
    assert r"under typos 15 \%" in source
    rows = [line for line in source.splitlines() if line.endswith(r"\\")]
    columns = source.partition(r"\begin{tabular}{")[2].partition("}")[0]
    assert {row.replace(r"\&", "").count("&") for row in rows} == {len(columns) - 1}
    assert source.index(r"\toprule") < source.index(r"\midrule") < source.index(r"\bottomrule")
    assert "% free_lb & co: - 85.00" in source


@pytest.mark.parametrize("letter", list("&%$#_{}~^\\"))
def test_letters_that_latex_reads_are_none_any_more(letter: str) -> None:
    assert escaped(f"a{letter}b") not in (f"a{letter}b", "")
    assert escaped(f"a{letter}b").startswith("a\\")


def test_the_csv_is_unrounded_and_has_every_measure_of_every_arm() -> None:
    rows = list(csv.DictReader(io.StringIO(TABLE.csv())))
    assert [(row["arm"], row["measure"]) for row in rows] == [
        *(("none", name) for name in FIRST.scores),
        ("free_lb & co", "accuracy"),
        ("pgd|2", "accuracy"),
    ]
    assert (rows[0]["mean"], rows[0]["seed 0"], rows[0]["published"]) == ("0.81", "0.8", "96.4")
    assert (rows[-2]["difference"], rows[-2]["pairs"], rows[-2]["seed 0"]) == ("0.03", "1", "")
    assert (rows[-1]["mean"], rows[-1]["diverged"]) == ("", "2")


def test_the_picture_has_a_dot_for_each_seed_and_every_name() -> None:
    root = ET.fromstring(plot(TABLE))
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{space}circle")) == 3
    words = [node.text for node in root.findall(f"{space}text")]
    assert {"none", "free_lb & co", "pgd|2", "every seed diverged"} <= set(words)
    assert plot(replace(TABLE, lines=[LOST]))  # nothing to draw is no error


def test_few_pairs_and_lost_seeds_are_said() -> None:
    said = " ".join(warnings(TABLE.lines, "accuracy", (0, 1)))
    assert "Fewer than 5 pairs" in said
    assert "Diverged: 3" in said
    assert "Diverged" not in " ".join(warnings([FIRST], "accuracy", (0, 1)))


def test_published_figures_stand_beside_the_same_network_task_and_method_alone() -> None:
    found = published.find("FacebookAI/roberta-large", "sst2", "freelb")
    assert found is not None
    assert (found.value, found.source) == (96.79, "arXiv:1909.11764")
    assert published.find("roberta-large", "sst2", "alum") is None
    assert published.find("/home/me/mine", "sst2", "") is None
    assert published.task_of({"path": "data/GLUE/STS-B/train.tsv"}) == "stsb"
    assert published.task_of({"path": "my/rows.tsv", "label": "label"}) == ""


def test_every_paper_has_an_entry_and_a_recipe_cites_what_it_uses() -> None:
    text = ENTRIES.read_text("utf-8")
    for keys in PAPERS.values():
        assert all(f"{{{key}," in text for key in keys)
    cited = bibliography([load("macbert_base", ["text=none.txt"])])
    for key in ("cui2020macbert", "lan2020albert", "efron1979bootstrap"):
        assert key in cited
    assert "zhu2020freelb" not in cited
    assert cited.count("{") == cited.count("}")
