"""The page, `report.html`: drawn now and then while a run trains, and at its end."""

import html
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from corpora.artefact import Artefact
from corpora.stage import JSON
from pretrain import notes, versions
from pretrain.recipe import Recipe
from pretrain.report import figures
from pretrain.report.curves import Rows, charts
from pretrain.report.figures import Table
from pretrain.training.settings import Train

REFRESH_SECONDS = 60
TABLES = (figures.held_out, figures.warm_up, figures.skipped)
STYLE = Path(__file__).with_name("style.css")


def write_report(
    folder: Path, recipe: Recipe, made: Sequence[tuple[str, Artefact]], running: str = ""
) -> Path:
    """Write `report.html` into a run's folder from its artefacts and its `metrics.jsonl`; the page's path.

    `running` names the stage at work, if any: the page then loads itself anew every minute.
    """
    rows = list(notes.rows(folder / "metrics.jsonl"))
    refresh = f"<meta http-equiv=refresh content={REFRESH_SECONDS}>" if running else ""
    state = f"<b class=running>{html.escape(running)} is at work</b>" if running else ""
    body = [
        f"<header><h1>{html.escape(recipe.name)}</h1>{state}",
        f"<p class=soft>{html.escape(recipe.description.strip())}</header>",
        *_trained(recipe, rows),
        "<h2>What was made</h2>",
        _table(figures.made(made)),
        "<h2>What it was made with</h2>",
        _chips(versions.remembered(folder)),
        "<h2>All figures</h2>",
        *(_details(name, artefact.facts) for name, artefact in made if artefact.facts),
        f"<details><summary>effective recipe</summary><pre>{html.escape(recipe.effective())}</pre></details>",
    ]
    head = (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        f"<meta name=viewport content='width=device-width'>{refresh}"
        f"<title>{html.escape(recipe.name)}</title><style>{STYLE.read_text('utf-8')}</style>"
    )
    path = folder / "report.html"
    notes.write(path, head + "\n".join(part for part in body if part) + "\n")
    return path


def _trained(recipe: Recipe, rows: Rows) -> Iterator[str]:
    """Tiles, charts and the held-out table of every stage that trained, in the order of the recipe."""
    for stage, config in recipe.stages.items():
        mine = [row for row in rows if row["stage"] == stage and "step" in row]
        if not mine:
            continue
        yield f"<h2>{html.escape(stage)}</h2>"
        steps = config.steps if isinstance(config, Train) else None
        yield f"<div class=tiles>{''.join(_tile(*tile) for tile in figures.tiles(mine, steps))}</div>"
        yield f"<div class=charts>{''.join(chart.svg() for chart in charts(mine))}</div>"
        yield from (_table(table) for made in TABLES if (table := made(mine)) is not None)


def _tile(value: str, what: str) -> str:
    return f"<div><b>{html.escape(value)}</b><span>{html.escape(what)}</span></div>"


def _table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(word)}" for word in table.headings)
    lines = ("".join(f"<td>{html.escape(value)}" for value in row) for row in table.rows)
    caption = f"<caption>{html.escape(table.title)}</caption>" if table.title else ""
    kind = "numbers" if table.numbers else "words"
    body = "".join(f"<tr>{line}" for line in lines)
    return f"<div class=wide><table class={kind}>{caption}<tr>{head}{body}</table></div>"


def _chips(words: Mapping[str, str]) -> str:
    each = (f"<span>{html.escape(name)} <b>{html.escape(word)}</b></span>" for name, word in words.items())
    return f"<p class=chips>{''.join(each)}"


def _details(name: str, facts: Mapping[str, JSON]) -> str:
    text = json.dumps(facts, indent=1, ensure_ascii=False)
    return f"<details><summary>{html.escape(name)}</summary><pre>{html.escape(text)}</pre></details>"
