"""Named tensors on disk: safetensors files, written by Python.

Python's error for a full disk is an OSError, which becomes one message; that of safetensors' own writer is of
a class of its own. The price is one copy in memory.
"""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor


def save(tensors: Mapping[str, Tensor], path: Path, head: Mapping[str, str] | None = None) -> None:
    """Write tensors by name, from whatever device they are on; no two may share memory.

    `head` is the file's metadata; by default what `transformers` asks for.
    """
    from safetensors.torch import save as to_bytes

    flat = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    path.write_bytes(to_bytes(flat, metadata=dict(head or {"format": "pt"})))
