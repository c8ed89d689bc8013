import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.sentences import split

PIECES = st.sampled_from([*"。！？；…!?.,，“”‘’「」\"'()（） \n\t　5aZ我", "Dr", "\u2028", "……", "\r\n"])

CASES = [
    ("今天很好。明天呢？不知道！", ["今天很好。", "明天呢？", "不知道！"]),
    ("“你好。”他说。", ["“你好。”", "他说。"]),
    ("「真的嗎？！」（她問。）走了；", ["「真的嗎？！」", "（她問。）", "走了；"]),
    ("我……不知道", ["我……", "不知道"]),
    ('他说:"走吧。"然后走了。"好。"', ['他说:"走吧。"', "然后走了。", '"好。"']),
    ('很好。"不错。"', ["很好。", '"不错。"']),
    ("很好!推荐.再来", ["很好!", "推荐.", "再来"]),
    ("见www.a.com.cn吧", ["见www.a.com.cn吧"]),
    ("It cost 3.5 yuan. Then he left.", ["It cost 3.5 yuan. ", "Then he left."]),
    ("Dr. Li met J. Smith vs. Mr. Wu. Yes.", ["Dr. Li met J. Smith vs. Mr. Wu. ", "Yes."]),
    ("1. First. 2. Second.", ["1. First. ", "2. Second."]),
    ('"Go!" he said. "Why?"', ['"Go!" ', "he said. ", '"Why?"']),
    ("e.g. this one. and that", ["e.g. this one. and that"]),
    ("a title\n\nDr.\nthe text", ["a title\n\n", "Dr.\n", "the text"]),
    ("\n 开头。", ["\n 开头。"]),
    ("没有标点", ["没有标点"]),
    ("  ", ["  "]),
    ("", []),
]


@pytest.mark.parametrize(("text", "sentences"), CASES)
def test_cases(text: str, sentences: list[str]) -> None:
    assert split(text) == sentences


@given(st.one_of(st.text(), st.lists(PIECES).map("".join)))
def test_nothing_is_lost_and_nothing_is_blank(text: str) -> None:
    sentences = split(text)
    assert "".join(sentences) == text
    assert all(sentence.strip() for sentence in sentences) or not text.strip()


@given(st.lists(st.sampled_from(["他说“好。”", "走了！", "真的？」"]), min_size=1))
def test_sentences_that_end_clearly_are_found_one_by_one(sentences: list[str]) -> None:
    assert split("".join(sentences)) == sentences


@pytest.mark.parametrize("unit", ["1. a", "J. ", '."', "。", "汉字", "\n ", '" '])
def test_time_is_linear(unit: str) -> None:
    start = time.process_time()
    split(unit * 100_000)
    assert time.process_time() - start < 5  # quadratic would take minutes
