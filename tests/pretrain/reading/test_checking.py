import pytest

from corpora.stage import StageSettings
from pretrain.finetuning.settings import Finetune
from pretrain.reading.checking import check
from pretrain.reading.problems import Problem
from pretrain.reading.source import parse
from tests.pretrain.reading.toys import Learn, Read


def lines(text: str, model: type[StageSettings] = Learn) -> list[str]:
    """What is wrong with a stage `s`, one line a problem."""
    problems: list[Problem] = []
    check(model, parse(text, "r", []), ("stages", "s"), problems)
    return [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{steps: abc}", "r:1:9: s.steps: got 'abc', wanted a whole number"),
        ("{steps: '3'}", "r:1:9: s.steps: got '3', wanted a whole number, without quotes"),
        ("{steps: 1e3}", "r:1:9: s.steps: got 1000.0, wanted a whole number: write 1000"),
        ("{steps: 0}", "r:1:9: s.steps: got 0, wanted at least 1"),
        ("{steps: [1]}", "r:1:9: s.steps: got a list of 1, wanted a whole number"),
        ("{stpes: 1, steps: 1}", "r:1:2: s.stpes: unknown key (nearest: 'steps')"),
        ("{warmup: 1}", "r:1:1: s.steps: is missing; wanted a whole number, at least 1"),
        ("{steps: 1, compile: no}", "r:1:21: s.compile: got 'no', wanted true or false"),
        (
            "{steps: 1, masking: rnus}",
            "r:1:21: s.masking: 'rnus' is none of 'plain', 'runs' (nearest: 'runs')",
        ),
        ("{steps: 1, masking: {strategy: x}}", "r:1:32: s.masking.strategy: 'x' is none of 'plain', 'runs'"),
        (
            "{steps: 1, masking: {budget: 0.1}}",
            "r:1:12: s.masking: has no `strategy`, wanted one of 'plain', 'runs'",
        ),
        ("{steps: 1, masking: 3}", "r:1:21: s.masking: got 3, wanted a mapping of settings"),
        (
            "{steps: 1, masking: {strategy: runs, budget: 1.5}}",
            "r:1:46: s.masking.budget: got 1.5, wanted less than 1.0",
        ),
        (
            "{steps: 1, masking: {strategy: runs, budget: .nan}}",
            "r:1:46: s.masking.budget: got nan, wanted a finite number",
        ),
        (
            "{steps: 1, masking: {strategy: plain, lengths: [1]}}",
            "r:1:39: s.masking.lengths: unknown key (known: 'budget', 'strategy')",
        ),
        (
            "{steps: 1, masking: {strategy: runs, lengths: [1, x]}}",
            "r:1:51: s.masking.lengths.1: got 'x', wanted a number",
        ),
        (
            "{steps: 1, micro_batch: atuo}",
            "r:1:25: s.micro_batch: got 'atuo', wanted a whole number or 'auto' (nearest: 'auto')",
        ),
        ("{steps: 1, micro_batch: 0}", "r:1:25: s.micro_batch: got 0, wanted at least 1"),
        (
            "{steps: 1, tokenizer: {train: x, sise: 3}}",
            "r:1:34: s.tokenizer.sise: unknown key (nearest: 'size')",
        ),
        ("{steps: 1, tokenizer: {size: 3}}", "r:1:12: s.tokenizer.train: is missing; wanted text"),
        (
            "{steps: 1, tokenizer: 5}",
            "r:1:23: s.tokenizer: got 5, wanted text (in quotes, if it looks like a number) or a mapping",
        ),
        ("{steps: 1, labels: {1: x}}", "r:1:24: s.labels.1: got 'x', wanted a number"),
        ("{steps: 1, warmup: 5}", "r:1:20: s.warmup: is 5, but training ends after 1"),
    ],
)
def test_one_mistake_is_one_line_at_its_place(text: str, said: str) -> None:
    found = lines(text)
    assert len(found) == 1
    assert found[0].startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "{cleaning: ligth}",
            "r:1:12: s.cleaning: got 'ligth', wanted 'none', 'light' or a list (nearest: 'light')",
        ),
        (
            "{cleaning: [plain, {strategy: runs, bugdet: 1}]}",
            "r:1:37: s.cleaning.1.bugdet: unknown key (nearest: 'budget')",
        ),
        ("{paths: x}", "r:1:9: s.paths: got 'x', wanted a list: write [x]"),
        ("{paths: 'a,b'}", "r:1:9: s.paths: got 'a,b', wanted a list: write [a,b]"),
        ("{paths: 2-4}", "r:1:9: s.paths: got '2-4', wanted a list: write [2, 3, 4]"),
        ("{paths: 3}", "r:1:9: s.paths: got 3, wanted a list: write [3]"),
    ],
)
def test_alternatives_do_not_echo(text: str, said: str) -> None:
    assert lines(text, Read) == [said]


def test_all_mistakes_are_told() -> None:
    text = "steps: abc\ncompile: 1\nmasking: {strategy: runs, budget: 2, lengths: x}\nfoo: 1"
    assert [line.split(": ")[1] for line in lines(text)] == [
        "s.masking.budget",
        "s.masking.lengths",
        "s.compile",
        "s.steps",
        "s.foo",
    ]


def test_a_label_that_is_spelt_like_a_key_is_no_key() -> None:
    (line,) = lines("{steps: 1, tokenizer: {train: x, size: x}}")
    assert line.startswith("r:1:40: s.tokenizer.size: got 'x', wanted a whole number")


def test_words_of_other_programs_are_answered_with_ours() -> None:
    given = "kind: finetune\ndata: {path: rows.tsv}\n"
    for text, said in (
        ("adversarial: none", "s.adversarial: 'none' is none of 'alum', "),
        ("learning_rate: 1e-5", "s.learning_rate: unknown key (here: 'lr')"),
        ("num_train_epochs: 3", "s.num_train_epochs: unknown key (here: 'epochs')"),
    ):
        (line,) = lines(given + text, Finetune)
        assert said in line
    (line,) = lines(given + "adversarial: none", Finetune)
    assert line.endswith("; for none of them write null")
