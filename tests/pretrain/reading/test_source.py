from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrain.reading.problems import Place, Problem, RecipeError
from pretrain.reading.source import MAX_BYTES, parse, read
from pretrain.reading.writing import write


def plain(text: str) -> object:
    problems: list[Problem] = []
    value = parse(text, "r.yaml", problems).plain()
    assert problems == []
    return value


def complaint(text: str) -> str:
    """The one message about a text, whether it stopped the reading or not."""
    problems: list[Problem] = []
    try:
        parse(text, "r.yaml", problems)
    except RecipeError as error:
        return str(error)
    return str(RecipeError(problems))


def test_every_value_and_key_knows_its_place() -> None:
    root = parse("a: 1\nb:\n  - {c: x,  d: 'y'}\n", "r.yaml", [])
    assert root.at(("a",)) == Place("r.yaml", 1, 4)
    assert root.at(("b", 0, "d")) == Place("r.yaml", 3, 16)
    found = root.child_at(("b", 0, "d"))
    assert found is not None
    assert found.key == Place("r.yaml", 3, 13)
    assert root.at(("b", 0, "e", "f")) == Place("r.yaml", 3, 5)  # the nearest that is written


def test_quotes_make_text() -> None:
    assert plain("- '1'\n- \"1e-4\"\n- |\n  7\n- 7") == ["1", "1e-4", "7\n", 7]


def test_keys_are_text_as_written() -> None:
    assert plain("{1: a, no: b, 010: c, null: d}") == {"1": "a", "no": "b", "010": "c", "null": "d"}


def test_aliases_are_the_value_again() -> None:
    assert plain("a: &x {b: [1, 2]}\nc: *x") == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3", "r.yaml:3:1: a: is here a second time; the first is at r.yaml:1:1"),
        ("a:\n\tb: 1", "r.yaml:2:1: found character '\\t' that cannot start any token; indent with spaces"),
        (
            "a: !!python/object/apply:os.system ['true']",
            "r.yaml:1:4: a: the tag tag:yaml.org,2002:python/object",
        ),
        ("a: !mine 3", "r.yaml:1:4: a: the tag !mine is not allowed"),
        ("seed: 010", "r.yaml:1:7: seed: got 010; write 10 or 0o10 (octal), or '010' in quotes"),
        ("a: 1\n---\nb: 2", "r.yaml:2:1: a second document starts here"),
        ("", "r.yaml:1:1: is empty"),
        ("# only a comment\n", "r.yaml:1:1: is empty"),
        ("a: b: c", "r.yaml:1:5: mapping values are not allowed here; a value with ': ' in it needs quotes"),
        ("a: *x", "r.yaml:1:4: *x stands for nothing: no &x is complete before it"),
        ("a: &x [*x]", "r.yaml:1:8: *x stands for nothing"),
        ("<<: {a: 1}", "r.yaml:1:1: <<: merge keys are not part of YAML 1.2"),
        ("? [a]\n: 1", "r.yaml:1:3: a key has to be a single word"),
        ("a: [1, 2", "r.yaml:1:9: "),
        ("a: 'x", "r.yaml:1:6: found unexpected end of stream"),
        ("a: x\0y", "r.yaml:1:5: character U+0000 is not allowed"),
    ],
)
def test_traps_say_where_and_what(text: str, said: str) -> None:
    assert complaint(text).startswith(said)
    assert "\n" not in complaint(text)


def test_laughs_are_bounded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    assert "more than 100,000 values, aliases written out" in complaint("\n".join(lines))


@pytest.mark.parametrize(
    "text", ["[" * 20_000, "{a: " * 20_000, "\n".join(" " * i + "a:" for i in range(900))]
)
def test_depth_is_bounded(text: str) -> None:
    assert "nested deeper than 50 levels" in complaint(text)


def test_depth_of_aliases_is_bounded() -> None:
    lines = ["a0: &a0 [x]", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 60))]
    assert "nested deeper than 50 levels" in complaint("\n".join(lines))


def test_files_that_are_no_recipe(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    cases = {
        b"a: 1\nb: \xff": ":2:4: byte 0xff is not UTF-8; save the file as UTF-8",
        b"a: " + b"x" * MAX_BYTES: ": has over 1,000,000 bytes",
        b"- 1\n- 2": ":1:1: a recipe is a mapping",
    }
    for data, said in cases.items():
        path.write_bytes(data)
        with pytest.raises(RecipeError) as caught:
            read(path, [])
        assert str(caught.value).startswith(f"{path}{said}")
    with pytest.raises(RecipeError, match="cannot be read: Is a directory"):
        read(tmp_path, [])


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_bytes(b"\xef\xbb\xbfname: x")
    assert read(tmp_path / "r.yaml", []).plain() == {"name": "x"}


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
TRICKY = st.sampled_from(
    ["1e-4", "010", "0o7", "1_0", "no", "~", "null", "# x", "a: b", "*", "$x", "- a", " x ", "\n", "a\n b\n"]
)
VALUES = st.recursive(
    SCALARS | TRICKY,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | TRICKY, inner, max_size=4),
)


@given(VALUES, st.sampled_from([None, True]))
def test_what_is_written_reads_as_the_same(value: object, flow: bool | None) -> None:
    assert plain(write({"value": value}, flow=flow)) == {"value": value}
