from hypothesis import given
from hypothesis import strategies as st

from corpora.deduplication import Seen
from corpora.document import digest, position


@given(st.lists(st.text(max_size=2)))
def test_the_first_of_equals_is_the_first(texts: list[str]) -> None:
    seen = Seen()
    assert [seen.first(digest(text)) for text in texts] == [
        text not in texts[:n] for n, text in enumerate(texts)
    ]
    assert len(seen) == len(set(texts))


@given(st.text())
def test_positions_are_shares(text: str) -> None:
    assert 0 <= position(text, "a") < 1
    assert position(text, "a") != position(text, "b")


def test_positions_are_spread_evenly() -> None:
    counts = [0] * 10
    for number in range(20_000):
        counts[int(position(f"文{number}", "test") * 10)] += 1
    assert max(abs(count - 2000) for count in counts) < 6 * (20_000 * 0.1 * 0.9) ** 0.5
