"""What every segmenter answers: where the words of a text lie."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Spans: TypeAlias = NDArray[np.int64]
"""(words, 2): [begin, end) in characters of the raw text: ascending, apart, every non-space covered."""

Segment: TypeAlias = Callable[[str], Spans]
"""A segmenter made ready, its dictionary in memory. Each worker process makes its own."""
