import sys
from pathlib import Path

import pytest

from corpora.errors import BadData
from corpora.paths import Unchanged, refuse_repeats, resolve


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.txt", "b.txt", "b10.txt", "c.jsonl", "odd[1].txt"):
        (tmp_path / name).write_text(name)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "d.txt").write_text("d")
    return tmp_path


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_plain_glob_and_braces(folder: Path) -> None:
    assert names(resolve(f"{folder}/a.txt")) == ["a.txt"]
    assert names(resolve(f"{folder}/b*.txt")) == ["b.txt", "b10.txt"]
    assert names(resolve(f"{folder}/{{b,a}}.txt")) == ["b.txt", "a.txt"]
    assert names(resolve(f"{folder}/**/d.txt")) == ["d.txt"]
    assert names(resolve(f"{folder}/odd[1].txt")) == ["odd[1].txt"]


def test_a_missing_file_is_named_with_the_nearest(folder: Path) -> None:
    with pytest.raises(BadData, match=r"aa\.txt names no file; .* has 'a\.txt'"):
        resolve(f"{folder}/aa.txt")
    with pytest.raises(BadData, match=r"has 'deep'"):
        resolve(f"{folder}/deap/d.txt")
    with pytest.raises(BadData, match=r"names no file; .* has no 'zzz'"):
        resolve(f"{folder}/{{a.txt,zzz}}")


def test_folders_and_repeats_are_refused(folder: Path) -> None:
    with pytest.raises(BadData, match=r"is a folder, a file is needed; name its files, as in .*/deep/\*"):
        resolve(f"{folder}/deep")
    with pytest.raises(BadData, match="named twice"):
        resolve(f"{folder}/{{a,?}}.txt")
    (folder / "link.txt").symlink_to(folder / "a.txt")
    with pytest.raises(BadData, match=r"link\.txt is named twice \(also as .*a\.txt\)"):
        refuse_repeats([folder / "a.txt", folder / "link.txt"])


def test_a_loop_of_links_is_an_error(folder: Path) -> None:
    (folder / "x").symlink_to(folder / "y")
    (folder / "y").symlink_to(folder / "x")
    with pytest.raises(BadData, match=r"neither a file|names no file|cannot read"):
        resolve(f"{folder}/x")


def test_a_file_of_a_package_is_found_without_importing_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = folder / "bundled_text"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "data" / "one.txt").write_text("1")
    monkeypatch.syspath_prepend(folder)
    assert names(resolve("package:bundled_text/data/*.txt")) == ["one.txt"]
    assert "bundled_text" not in sys.modules
    with pytest.raises(BadData, match=r"names no file; .*data has 'one\.txt'"):
        resolve("package:bundled_text/data/on.txt")


@pytest.mark.parametrize("package", ["no_such_package_here", "not-a-name", "", "sys"])
def test_a_missing_package_says_how_to_install(package: str) -> None:
    with pytest.raises(BadData, match=r"not installed here; install it \(pip install \"maskwright\[demo\]\""):
        resolve(f"package:{package}/x.txt")


def test_unchanged_notices_changes(folder: Path) -> None:
    files = [folder / "a.txt", folder / "b.txt"]
    unchanged = Unchanged(files)
    unchanged.check()
    with files[1].open("a") as file:
        file.write("more")
    with pytest.raises(BadData, match=r"b\.txt was changed while it was read"):
        unchanged.check()
    replaced = Unchanged(files)
    files[0].unlink()
    with pytest.raises(BadData, match=r"cannot read .*a\.txt"):
        replaced.check()
