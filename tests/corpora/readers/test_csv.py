import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from corpora.errors import BadData
from corpora.readers import Csv
from tests.corpora.reading import documents, unreadable

VALUE = st.text(st.sampled_from('a中",\r\n\t \u2028\x0b;'), max_size=6)


def write(folder: Path, text: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


@given(st.lists(st.tuples(VALUE, VALUE, VALUE), min_size=1), st.sampled_from(",;\t|"))
def test_what_the_csv_module_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, str, str]], delimiter: str
) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([("id", "text", "x"), *table])
    path = write(tmp_path_factory.mktemp("csv"), written.getvalue())
    read = documents(Csv(delimiter=delimiter, quotes=True).read(path))
    assert [(d.id, d.text) for d in read] == [
        (a.replace("\r\n", "\n"), b.replace("\r\n", "\n")) for a, b, _ in table
    ]


@given(st.text(st.sampled_from('ab",\n'), max_size=14))
def test_well_formed_text_is_read_as_by_the_csv_module(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    """Quotes within unquoted values, blank lines, missing last line ends."""
    try:
        expected = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error:
        expected = None
    path = write(tmp_path_factory.mktemp("csv"), text)
    found = list(Csv(columns=("text",), id=None).rows(path))
    if expected is None:
        assert any(isinstance(row, tuple) is False for row in found)
    else:
        values = [[row[1]["text"]] for row in found if isinstance(row, tuple)]
        assert values == [row for row in expected if len(row) == 1]
        assert len(found) == len(expected)


def test_records_are_numbered_by_their_first_lines(tmp_path: Path) -> None:
    text = 'id,text\r\n1,"第一行\r\n第二行"\r\n\r\n2,"含 ""引号"" 和,逗号"\r\n3,5" 软盘\r\n4,"末\n\n尾"'
    read = documents(Csv().read(write(tmp_path, "\ufeff" + text)))
    assert [(d.metadata["line"], d.id, d.text) for d in read] == [
        (2, "1", "第一行\n第二行"),
        (5, "2", '含 "引号" 和,逗号'),
        (6, "3", '5" 软盘'),
        (7, "4", "末\n\n尾"),
    ]


def test_tabs_mean_no_quotes_unless_asked(tmp_path: Path) -> None:
    path = write(tmp_path, 'text\tn\n"没有收口\t1\n"a"\t2\n', "t.tsv")
    assert [d.text for d in documents(Csv().read(path))] == ['"没有收口', '"a"']
    path = write(tmp_path, 'text;n\n"a;\nb";2\n', "t.txt")
    assert [d.text for d in documents(Csv(delimiter=";").read(path))] == ["a;\nb"]
    path = write(tmp_path, 'n\ttext\n1\t"a\tb"\n', "t.tab")
    assert [d.text for d in documents(Csv(quotes=True).read(path))] == ["a\tb"]


def test_columns_can_be_named_where_there_is_no_header(tmp_path: Path) -> None:
    path = write(tmp_path, "很好,1\n不好,0\n", "t.csv")
    read = documents(Csv(columns=("text", "label"), group="label").read(path))
    assert [(d.text, d.metadata) for d in read] == [
        ("很好", {"line": 1, "group": "1"}),
        ("不好", {"line": 2, "group": "0"}),
    ]
    with pytest.raises(BadData, match=r"t\.csv:1: no field 'text' \(fields: '1', '很好'\); .* no header\?"):
        list(Csv().read(path))


@pytest.mark.parametrize(
    ("record", "reason", "complaint"),
    [
        ("only one", "bad_record", "1 values, there are 2 columns ['id', 'text']"),
        ("1,2,3", "bad_record", "3 values, there are 2 columns"),
        ('1,"a"b', "bad_record", "'b' follows a closing quote"),
        ("1,\udcff", "bad_encoding", "not UTF-8 at byte "),
        ('1,"a\n\udcff"', "bad_encoding", "not UTF-8 at byte "),
    ],
)
def test_bad_records_are_named_and_the_rest_is_read(
    tmp_path: Path, record: str, reason: str, complaint: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(f"id,text\n1,好\n{record}\n3,也好\n".encode(errors="surrogateescape"))
    found = list(Csv().read(path))
    (bad,) = unreadable(found)
    assert [d.text for d in documents(each for each in found if each is not bad)] == ["好", "也好"]
    assert (bad.reason, bad.line, bad.text) == (reason, 3, record.replace("\udcff", "\ufffd"))
    assert bad.complaint.startswith(complaint)


def test_a_quote_that_is_never_closed_takes_the_rest(tmp_path: Path) -> None:
    path = write(tmp_path, 'id,text\n1,a\n2,"b\n3,c\n')
    found = list(Csv().read(path))
    (bad,) = unreadable(found)
    assert len(found) == 2
    assert (bad.line, bad.text) == (3, '2,"b\n3,c')
    assert "opened here and never closed" in bad.complaint


def test_a_record_cannot_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("corpora.readers.csv.LONGEST_RECORD", 100)
    path = write(tmp_path, 'text\n"' + "abcdefghi\n" * 10 + "good\n" + "x" * 101 + "\n")
    quoted, good, unquoted = Csv().read(path)
    assert [d.text for d in documents([good])] == ["good"]
    bad = [(each.line, len(each.text), each.complaint[:4]) for each in unreadable([quoted, unquoted])]
    assert bad == [(2, 100, "over"), (13, 101, "over")]


def test_headers_that_cannot_be(tmp_path: Path) -> None:
    for text, message in (
        ("id,id,text\n1,2,3\n", r"t\.csv:1: two columns are called 'id'"),
        ('"id,text\n1,2\n', r"t\.csv:1: a quote is opened here and never closed"),
        ("\n\nid,txet\n1,2\n", r"t\.csv:3: no field 'text' \(fields: 'id', 'txet'\); say .* `text: txet`"),
    ):
        with pytest.raises(BadData, match=message):
            list(Csv().read(write(tmp_path, text)))
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xffid,text\n")
    with pytest.raises(BadData, match=r"t\.csv:1: not UTF-8 at byte 0"):
        list(Csv().read(path))
    assert list(Csv().read(write(tmp_path, ""))) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "text;label\n1;2\n",
            r'do other marks part the values\? Say `reader: \{name: csv, delimiter: ";"\}`',
        ),
        ("text\tlabel\n1\t2\n", r'delimiter: "\\t"\}`'),
        (
            "id,text\r1,2\r3,4\r",
            r"t\.csv:1: lines that end in a lone CR, as of old; convert the file, as in tr",
        ),
        ("id, text\n1,2\n", r'say which it is, as in `text: " text"`'),
        ("id,TEXT\n1,2\n", r"say which it is, as in `text: TEXT`"),
        ("id," + "x" * 99 + "\n1,2\n", r"\(fields: 'id', 'x{40}\.\.\.'\)"),
    ],
)
def test_what_a_header_may_have_been_meant_to_be_is_told(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(content.encode())
    with pytest.raises(BadData, match=message):
        list(Csv().read(tmp_path / "t.csv"))


def test_a_value_may_be_long_and_a_delimiter_is_one_character(tmp_path: Path) -> None:
    long = "长" * 200_000  # more than the csv module would hold
    assert [d.text for d in documents(Csv().read(write(tmp_path, f'text\n"{long}"\n')))] == [long]
    for wrong in (",,", '"', "\n", ""):
        with pytest.raises(ValidationError):
            Csv(delimiter=wrong)
