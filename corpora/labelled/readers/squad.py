"""Questions on passages, answered by a passage of it: the JSON of SQuAD, CMRC 2018 and DRCD."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from corpora.document import Unreadable
from corpora.errors import BadData
from corpora.fields import shown
from corpora.labelled.raw import Raw
from corpora.labelled.rows import Answer, Kind
from corpora.lines import lines
from corpora.places import Place
from corpora.settings import Settings


class Squad(Settings):
    """SQuAD's JSON (1.1 and 2.0; CMRC 2018 and DRCD are published so), or CMRC 2018's own (a list).

    The answers of CMRC 2018's own form have no places: they are looked for in the passage.
    """

    kind: ClassVar[Kind] = "answers"

    name: Literal["squad"] = "squad"
    """The JSON of SQuAD, CMRC 2018 and DRCD: passages, questions, answers."""

    def read(self, place: Place, labelled: bool = True) -> Iterator[Raw | Unreadable]:
        """Yield a row a question, with the line where its id stands.

        Raises:
            BadData: the file is not of this form.
        """
        import json

        text = "\n".join(line for _, line in lines(place))
        try:
            whole = json.loads(text) if text.strip() else []
        except json.JSONDecodeError as error:
            raise BadData(f"{place}:{error.lineno}: not JSON ({error.msg})") from error
        line, counted = 1, 0
        try:
            for passage, question in _questions(whole):
                own = str(question.get("id", question.get("query_id", "")))
                at = max(text.find(f'"{own}"', counted), counted)
                line, counted = line + text.count("\n", counted, at), at
                yield _row(line, own, passage, question, labelled)
        except (KeyError, TypeError, AttributeError) as error:
            raise BadData(
                f'{place}:{line}: not the JSON of SQuAD, {{"data": [{{"paragraphs": [{{"context": ..., '
                f'"qas": [...]}}]}}]}} ({type(error).__name__}: {error})'
            ) from error


def _questions(whole: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:  # noqa: ANN401 - what JSON holds
    """(passage, question) in order."""
    if isinstance(whole, list):
        passages = [(each["context_text"], each["qas"]) for each in whole]
    else:
        paragraphs = (each for article in whole["data"] for each in article["paragraphs"])
        passages = [(each["context"], each["qas"]) for each in paragraphs]
    for passage, questions in passages:
        yield from ((passage, question) for question in questions)


def _row(line: int, own: str, passage: str, question: Mapping[str, Any], labelled: bool) -> Raw | Unreadable:
    asked = question.get("question", question.get("query_text"))
    if not isinstance(asked, str) or not isinstance(passage, str):
        lacks = "`context`" if isinstance(asked, str) else "`question`"
        return Unreadable(
            "bad_field", line, shown(question), f"question {own}: {lacks} is no string, or not there"
        )
    try:
        answers = tuple(found_answers(passage, question)) if labelled else ()
    except ValueError as error:
        return Unreadable("bad_field", line, asked, f"question {own}: {error}")
    return Raw(line, passage, asked, answers=answers, id=own)


def found_answers(passage: str, question: Mapping[str, Any]) -> Iterator[Answer]:
    """The answers of a question, without repeats, those that are in the passage first.

    Raises:
        ValueError: the file does not say any, or none of them is in the passage.
    """
    given = question.get("answers")
    if given is None:
        raise ValueError("has no `answers`; a test set whose answers are not published cannot be scored")
    answers = [_said(each) if isinstance(each, dict) else _alone(each) for each in given]
    placed_ = sorted({placed(passage, answer): None for answer in answers if answer.text}, key=_is_nowhere)
    if placed_ and _is_nowhere(placed_[0]):
        raise ValueError(f"the answer {placed_[0].text[:40]!r} is not in its passage")
    yield from placed_


def _said(given: Mapping[str, Any]) -> Answer:
    start, text = given.get("answer_start"), given.get("text")
    if not isinstance(start, int) or not isinstance(text, str):
        raise ValueError(
            f'the answer {shown(given)[:60]} is not of the form {{"text": "...", "answer_start": 7}}'
        )
    return Answer(start, text)


def _alone(text: object) -> Answer:
    """Of CMRC 2018's own form, where a few are numbers: 7, 1990.0."""
    return Answer(-1, f"{text:g}" if isinstance(text, float) else str(text))


def _is_nowhere(answer: Answer) -> bool:
    return answer.start < 0


def placed(passage: str, answer: Answer) -> Answer:
    """The answer where it stands: as said, or else the nearest place (the first, where none is said).

    One that stands nowhere, as some of the second and third answers of CMRC 2018, is at -1.
    """
    start, text = answer
    if start >= 0 and passage.startswith(text, start):
        return answer
    before, after = passage.rfind(text, 0, max(start, 0) + len(text)), passage.find(text, max(start, 0))
    near = min((at for at in (before, after) if at >= 0), key=lambda at: abs(at - start), default=-1)
    return Answer(near, text)
