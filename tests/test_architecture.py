"""What the tree promises beside its import contracts."""

import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = ["deepspeed", "gensim", "sklearn", "datasets", "synonyms", "snownlp"]
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
    assert importing == ["pretrain/engine/deepspeed.py"]


def test_recipes_hold_no_python() -> None:
    assert not list((ROOT / "recipes").rglob("*.py"))


@pytest.mark.slow
@pytest.mark.skipif(find_spec("snownlp") is None, reason="needs the extra `demo`")
def test_a_plan_is_made_without_the_heavy_libraries(tmp_path: Path) -> None:
    code = (
        "import sys; from pretrain.__main__ import main\n"
        f"assert main(['plan', 'macbert_tiny', '--runs', {str(tmp_path)!r}]) == 0\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_help_imports_no_stage() -> None:
    code = "import sys; from pretrain.__main__ import main; main(['--help']); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
