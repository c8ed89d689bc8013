import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from corpora.errors import BadData
from corpora.lines import lines

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda data: zstandard.compress(data),
}
ODD = st.sampled_from([*"a中\r\u2028\u2029\x85\x0b\x0c\x1c\x00\ufeff\U0001f600", "\r\n", "\n"])


def write(folder: Path, data: bytes, name: str = "text.txt") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@given(st.lists(ODD).map("".join))
def test_line_count_is_that_of_wc(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = write(tmp_path_factory.mktemp("lines"), text.encode())
    found = list(lines(path))
    unended = bool(text) and not text.endswith("\n")
    assert [number for number, _ in found] == list(range(1, text.count("\n") + unended + 1))
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").removesuffix("\n")
    assert [line for _, line in found] == (plain.split("\n") if text else [])


def test_two_files_in_one_compressed_file_are_read_both(tmp_path: Path) -> None:
    for suffix, compress in COMPRESS.items():
        path = write(tmp_path, compress("一\n".encode()) + compress(b"two\n"), f"t.txt{suffix}")
        assert list(lines(path)) == [(1, "一"), (2, "two")], suffix


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_compressed_file_cut_short_is_an_error(tmp_path: Path, suffix: str) -> None:
    data = COMPRESS[suffix]("".join(f"行{number * 7919 % 10007}\n" for number in range(5000)).encode())
    for keep in (len(data) - 1, len(data) // 2, 10):
        path = write(tmp_path, data[:keep], f"cut.txt{suffix}")
        with pytest.raises(BadData, match=r"cut\.txt.* is damaged or cut short"):
            list(lines(path))


def test_what_is_not_compressed_at_all_is_an_error(tmp_path: Path) -> None:
    for suffix in COMPRESS:
        path = write(tmp_path, b"plain text, whatever its name says\n", f"t{suffix}")
        with pytest.raises(BadData, match="damaged"):
            list(lines(path))


def test_invalid_bytes_are_named_by_file_line_and_offset(tmp_path: Path) -> None:
    path = write(tmp_path, "好\n第二".encode() + b"\xb5\xda\n")
    with pytest.raises(BadData, match=r"text\.txt:2: not UTF-8 at byte 10 \(found b5 da 0a\)"):
        list(lines(path))


@pytest.mark.parametrize("end", [b"\xe4", b"\xe4\xbd", b"\xf0\x9f\x98", b"\xff"])
def test_a_character_cut_at_the_end_is_an_error(tmp_path: Path, end: bytes) -> None:
    path = write(tmp_path, b"ok\nabc" + end)
    with pytest.raises(BadData, match=r":2: not UTF-8 at byte 6"):
        list(lines(path))


def test_a_folder_or_a_missing_file_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.txt", tmp_path / "none.zst"):
        with pytest.raises(BadData, match="cannot read"):
            list(lines(path))


@given(st.text(st.sampled_from("a中é\U0001f600"), min_size=1), st.integers(4, 12))
def test_long_lines_come_in_whole_characters(
    tmp_path_factory: pytest.TempPathFactory, text: str, longest: int
) -> None:
    path = write(tmp_path_factory.mktemp("long"), text.encode())
    found = list(lines(path, longest))
    assert "".join(piece for _, piece in found) == text
    assert {number for number, _ in found} == {1}
    assert max(len(piece.encode()) for _, piece in found) <= longest + 3
