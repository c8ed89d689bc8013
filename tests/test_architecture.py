"""What the tree promises beside its import contracts."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("corpora", "tokenization", "pretrain")


def test_every_package_is_in_the_wheel() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for package in PACKAGES
        for path in (ROOT / package).rglob("__init__.py")
    }
    assert sorted(listed) == sorted({*found, "pretrain.recipes"})


def test_deepspeed_is_imported_in_one_file_alone() -> None:
    importing = [
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"^\s*(import|from) deepspeed", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert importing == ["pretrain/engine.py"]


def test_recipes_hold_no_python() -> None:
    assert not list((ROOT / "recipes").rglob("*.py"))


def test_a_plan_imports_neither_deepspeed_nor_the_networks() -> None:
    code = "import sys, pretrain.__main__, pretrain.recipe; print([m for m in HEAVY if m in sys.modules])"
    heavy = ["deepspeed", "transformers", "gensim", "sklearn", "datasets", "synonyms", "jieba"]
    done = subprocess.run([sys.executable, "-c", f"HEAVY = {heavy}\n{code}"], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
