"""The most probable path through the words that a dictionary finds in a block of text.

jieba's `get_DAG` and `calc`, in one walk from the block's end. Sums are made in its order, and of equal
paths its choice is taken, the longest first word, so that results are equal to the last bit.
"""

from tokenization.compiled import compiled
from tokenization.jieba_words.text import Text
from tokenization.jieba_words.trie import NONE, ROOT, Trie, step


@compiled
def route(text: Text, begin: int, end: int, trie: Trie, log_total: float) -> None:
    """Write into `text.ends` where the words of the best path through [begin, end) end."""
    letters, scores, ends = text.letters, text.scores, text.ends
    scores[end] = 0.0
    for at in range(end - 1, begin - 1, -1):
        ends[at] = at + 1  # where no word begins: a single character, as if counted once
        scores[at] = 0.0 - log_total + scores[at + 1]
        found, node = False, ROOT
        for last in range(at, end):
            node = step(trie, node, letters[last])
            if node == NONE:
                break
            if trie.logs[node] >= 0:
                score = trie.logs[node] - log_total + scores[last + 1]
                if not found or score >= scores[at]:
                    scores[at], ends[at] = score, last + 1
                found = True
