"""The plan: what is done, what goes on, what will run and why; and how each figure is known."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from transformers import BertConfig

from corpora.artefact import Draft
from pretrain import asides
from pretrain.finetuning import Finetune
from pretrain.launch.signals import StopRequest
from pretrain.recipe import load
from pretrain.running import folders, planning, runner
from pretrain.running.chain import Link, chain
from pretrain.running.planning import plan, status
from pretrain.running.store import Store
from tests.pretrain.roof import finish, recipe
from tests.pretrain.toys import toy_train
from tests.recipes.making import write_recipe
from tokenization.encoding import Encode
from tokenization.pretrained import Pretrained


@pytest.fixture
def text(tmp_path: Path) -> Path:
    (tmp_path / "text.txt").write_text("text")
    return tmp_path / "text.txt"


def links(text: Path, folder: Path, steps: int = 10, times: int = 1) -> list[Link]:
    return chain(recipe(text, steps, times), Store(folder / ".store"))


@pytest.fixture
def known(text: Path, tmp_path: Path) -> dict[str, dict[str, object]]:
    """What a finished run of the toy recipe remembers."""
    for link in links(text, tmp_path):
        finish(link)
        folders.remember(tmp_path, link.name, link.identity, link.place)
    return {name: dict(entry) for name, entry in folders.remembered(tmp_path).items()}


def said(text: Path, folder: Path, known: dict[str, dict[str, object]], **changed: int) -> list[str]:
    return [status(link, Store(folder / ".store"), known) for link in links(text, folder, **changed)]


def test_finished_stages_are_done(text: Path, tmp_path: Path, known: dict[str, dict[str, object]]) -> None:
    assert said(text, tmp_path, known) == ["done", "done"]


def test_a_new_run_has_no_reasons(text: Path, tmp_path: Path) -> None:
    assert said(text, tmp_path, {}) == ["will run", "will run"]


def test_a_changed_setting_is_named_where_it_is_and_where_it_is_felt(
    text: Path, tmp_path: Path, known: dict[str, dict[str, object]]
) -> None:
    assert said(text, tmp_path, known, steps=20) == ["done", "will run because learn.steps 10 -> 20"]
    assert said(text, tmp_path, known, times=2) == [
        "will run because gather.times 1 -> 2",
        "will run because the data it reads changed",
    ]


def test_a_changed_file_is_a_reason(text: Path, tmp_path: Path, known: dict[str, dict[str, object]]) -> None:
    text.write_text("other text")
    first, second = said(text, tmp_path, known)
    assert first == "will run because a file it reads changed"
    assert second == "will run because the data it reads changed"


def test_what_was_deleted_is_missed(text: Path, tmp_path: Path, known: dict[str, dict[str, object]]) -> None:
    import shutil

    shutil.rmtree(links(text, tmp_path)[0].place)
    assert said(text, tmp_path, known) == ["will run: its artefact is gone", "done"]


def test_a_draft_is_gone_on_with(text: Path, tmp_path: Path) -> None:
    link = links(text, tmp_path)[1]
    draft = Draft.open(link.place, link.config.makes, link.fingerprint)
    assert said(text, tmp_path, {})[1] == "resumes after its finished parts"
    for step in (900, 1000):
        with draft.fill(f"step-{step:08d}") as folder:
            folder.mkdir()
    (draft.path / "step-00001100.writing").mkdir()
    assert said(text, tmp_path, {})[1] == "resumes at step 1,000"


def test_what_is_only_told_or_kept_is_no_reason(tmp_path: Path) -> None:
    """Nor is it where a former version noted it among the settings that count."""
    path, store = write_recipe(tmp_path), Store(tmp_path / ".store")
    train = next(link for link in chain(load(str(path)), store) if link.name == "train")
    old = {**train.identity, "settings": {**train.identity["settings"], "log_every": 10}}
    assert status(train, store, {"train": {"identity": old}}) == "will run: its artefact is gone"
    draft = Draft.open(train.place, train.config.makes, train.fingerprint)
    draft.write_json("asides.json", asides._asides(train.config))
    with draft.fill("step-00000004") as folder:
        folder.mkdir()
    told = next(one for one in chain(load(str(path), ["train.log_every=5"]), store) if one.name == "train")
    assert status(told, store, {}) == "resumes at step 4; train.log_every 2 -> 5"
    assert status(train, store, {}) == "resumes at step 4"


def shown(path: Path, runs: Path, *overrides: str, **selection: str) -> str:
    """A plan as it is printed, with nothing cut or folded."""
    output = io.StringIO()
    console = Console(file=output, width=250)
    given = {"only": None, "first": None, "until": None, **selection}
    plan(runner.job(load(str(path), overrides), runs, console, StopRequest(), **given))
    return output.getvalue()


def test_every_figure_says_how_it_is_known(tmp_path: Path) -> None:
    page = shown(write_recipe(tmp_path), tmp_path / "runs")
    rows = [line.strip("│").split("│") for line in page.splitlines() if line.startswith("│")]
    assert [row[0].strip() for row in rows] == ["shards", "tokens", "words", "train", "release", "score"]
    figures = [one for row in rows for cell in row[2:] for one in cell.split(", ") if one.strip()]
    assert len(figures) > 15
    assert all(re.fullmatch(r"\s*[\d,.]+ .*\b[msg]\s*", figure) for figure in figures)
    assert "96 rows m" in page  # 12 steps of 8
    assert re.search(r"[\d,]+ characters s", page)
    assert "m measured, s sampled, g guessed" in page


def test_an_adversary_takes_its_time() -> None:
    def seconds(**changes: object) -> float:
        time = planning._train(toy_train(**changes), {}).time
        assert time
        return time.value

    plain = seconds()
    assert seconds(adversarial={"method": "alum"}) == pytest.approx(8 / 3 * plain)
    assert seconds(adversarial={"method": "alum", "every": 2}) == pytest.approx(11 / 6 * plain)
    assert seconds(adversarial={"method": "pgd", "steps": 3}) == pytest.approx(3 * plain)
    assert seconds(adversarial={"method": "alum", "scope": "all"}) > 3 * plain  # the head everywhere


SMALL = {
    **{"type": "electra", "embedding_size": 128, "hidden_size": 256, "num_hidden_layers": 12},
    **{"num_attention_heads": 4, "intermediate_size": 1024},
}
ELECTRA_SMALL: dict[str, Any] = {"model": SMALL, "objectives": {"electra": 50}}
LAYERS = 12 * (4 * 256 * 256 + 2 * 256 * 1024) + 128 * 256
GENERATOR = 12 * (4 * 64 * 64 + 2 * 64 * 256) + 128 * 64
TABLE = 1000 * 128


def trained(flow: dict[str, float] | None = None, **changes: object) -> planning.Costs:
    known = {"vocabulary": 1000.0, "tokens a row": 100.0} | (flow or {})
    figures = {name: planning.Figure(value, "guessed") for name, value in known.items()}
    return planning._train(toy_train(**changes), figures)


@pytest.mark.parametrize(
    ("generator", "own"),
    [
        ({"sharing": "tied"}, GENERATOR),
        ({"sharing": "gdes"}, GENERATOR + TABLE),
        ({"sharing": "untied", "embedding": 64}, GENERATOR - 128 * 64 + 1000 * 64),
        ({"uniform": True}, 0),
    ],
)
def test_both_networks_of_a_pair_are_weighed(generator: dict[str, object], own: int) -> None:
    costs = trained(**ELECTRA_SMALL, generator=generator)
    sizes = {name: one.value for name, one in costs.amounts.items() if name.endswith("weights")}
    expected = {"encoder weights": LAYERS, "embedding weights": TABLE, "generator weights": own}
    assert sizes == {name: size for name, size in expected.items() if size}
    assert costs.disk == planning.Figure((LAYERS + TABLE + own) * 12 * 2, "guessed")
    assert costs.memory == planning.Figure((LAYERS + TABLE + own) * 16 + 5e8, "guessed")


def test_a_pair_takes_the_time_of_both_and_reads_again_what_was_written_once() -> None:
    head = planning.HEAD_SHARE * TABLE
    for adversary, touched in (
        (None, LAYERS + GENERATOR + head),
        ({"method": "alum"}, 8 / 3 * LAYERS + GENERATOR + head),
        ({"method": "pgd", "steps": 3}, 3 * (LAYERS + GENERATOR + head)),  # no clean pass before
    ):
        time = trained(**ELECTRA_SMALL, adversarial=adversary).time
        assert time
        assert time.value * planning._speed() == pytest.approx(6 * 12 * 8 * 100 * touched)


def test_what_goes_on_is_as_large_as_what_was_before(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "electra", **SMALL}))
    found = trained(model=None, from_pretrained=str(tmp_path)).amounts
    assert (found["encoder weights"].value, found["embedding weights"].value) == (LAYERS, TABLE)
    flow = {"encoder weights": 70.0, "embedding weights": 30.0}
    assert trained(flow, model=None, start="before").disk == planning.Figure(100 * 12 * 2, "guessed")


def test_rows_are_as_full_as_their_packing_makes_them() -> None:
    pairs, across = (
        planning._encode(Encode.model_validate({"tokenizer": "bert", "packing": packing}), {})
        for packing in ({"kind": "segment_pairs", "length": 512}, {"kind": "full_sentences", "length": 128})
    )
    assert pairs.amounts["tokens a row"] == planning.Figure(384, "guessed")
    assert across.amounts["tokens a row"].value == pytest.approx(115.2)


def test_a_checkpoint_at_hand_is_weighed(tmp_path: Path) -> None:
    small_config = BertConfig(
        vocab_size=50, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16
    )
    small_config.save_pretrained(tmp_path)
    small = Finetune.model_validate({"data": {"path": "rows.tsv"}, "from_pretrained": str(tmp_path)})
    large = small.model_copy(update={"from_pretrained": Pretrained(path="bert-base-uncased")})
    costs = [planning.ESTIMATES[Finetune](each, {}) for each in (small, large)]
    assert costs[0].disk == planning.Figure((50 * 8 + 2 * (4 * 8 * 8 + 2 * 8 * 16)) * 4, "guessed")
    seconds = [each.time.value for each in costs if each.time]
    assert seconds[0] < seconds[1] / 10


def test_a_plan_writes_nothing_but_digests(tmp_path: Path) -> None:
    shown(write_recipe(tmp_path), tmp_path / "runs")
    assert {path.name for path in (tmp_path / "runs").rglob("*")} <= {".store", "digests.jsonl"}


def test_stages_left_out_are_shown_so(tmp_path: Path) -> None:
    assert shown(write_recipe(tmp_path), tmp_path / "runs", until="tokens").count("left out") == 4


def test_what_is_finished_is_measured(tmp_path: Path) -> None:
    path, runs = write_recipe(tmp_path), tmp_path / "runs"
    one = load(str(path))
    shards = chain(one, Store(runs / ".store"))[0]
    finish(shards, {"train": {"documents": 7, "characters": 654_321}})
    times = [{"kind": "shards", "fingerprint": shards.fingerprint, "seconds": s} for s in (40.0, 2.0)]
    lines = "\n".join(map(json.dumps, times)) + '\n{"kind": "sha'  # torn by a kill
    (runs / ".store" / "times.jsonl").write_text(lines)
    (first, second) = [
        line for line in shown(path, runs).splitlines() if "shards" in line or "tokens " in line
    ][:2]
    assert "done" in first
    assert all(figure in first for figure in ("7 documents m", "654.3 k characters m", "MB m", "42 s m"))
    guess = 654_321 * planning.TOKENS_A_CHARACTER
    assert f"{guess / 1000:.1f} k tokens g" in second


def test_an_override_is_a_reason_beside_the_run_without_it(tmp_path: Path) -> None:
    path, runs = write_recipe(tmp_path), tmp_path / "runs"
    for link in chain(load(str(path)), Store(runs / ".store")):
        facts = {"train": {"documents": 1, "characters": 1, "tokens": 1, "rows": 1}, "vocabulary_size": 9}
        finish(link, facts)
        folders.remember(folders.claim(load(str(path)), runs), link.name, link.identity, link.place)
    page = shown(path, runs, "train.steps=24")
    assert "will run because train.steps 12 -> 24" in page
    assert page.count(" done ") == 3
