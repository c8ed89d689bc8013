from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from corpora.readers import PlainText


def read(folder: Path, text: str, **settings: str) -> list[tuple[int, str]]:
    path = folder / "text.txt"
    path.write_bytes(text.encode())
    return [(d.metadata["line"], d.text) for d in PlainText.model_validate(settings).read(path)]


def test_one_document_a_line(tmp_path: Path) -> None:
    assert read(tmp_path, "一\r\n\ntwo\u2028still two\rstill\x0c\nlast") == [
        (1, "一"),
        (2, ""),
        (3, "two\u2028still two\rstill\x0c"),
        (4, "last"),
    ]
    assert read(tmp_path, "") == []


def test_blank_lines_separate(tmp_path: Path) -> None:
    text = "\n \na\nb\n\t\n\u3000\nc\n\n"
    assert read(tmp_path, text, separator="blank_line") == [(3, "a\nb"), (7, "c")]


@given(st.lists(st.text(st.sampled_from("a中\r\t\u2028。"), min_size=0), min_size=1))
def test_lines_come_back(tmp_path_factory: object, documents: list[str]) -> None:
    folder = tmp_path_factory.mktemp("plain")  # type: ignore[attr-defined]
    text = "".join(document + "\r\n" for document in documents)
    assert [found for _, found in read(folder, text)] == documents
