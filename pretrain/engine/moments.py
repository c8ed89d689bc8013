"""The optimizer's moments on disk: named slices of parameters, which any number of ranks reads back.

Under ZeRO an optimizer sees flat tensors that no one else knows: ranks of a group's parameters laid end to
end (stages 1 and 2), or each rank's piece of every parameter (stage 3). Here each rank says which slice of
which parameter stands where in them, and writes the slices by name, `PARAMETER/MOMENT/BEGIN`. Another number
of ranks, or another stage, takes the pieces it needs from the files that hold them, and no process ever holds
more than its own share.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor

from corpora.errors import CorruptArtefact, UsageError

PREFIX = "optimizer"
Stored: TypeAlias = Sequence[tuple[int, int, Any, str]]
"""Slices as (begin, end, open file, name of the tensor in it); a counter is one of no length."""


@dataclass(frozen=True)
class Slice:
    """Elements [begin, end) of a flattened parameter, held by `owner` from `offset` on."""

    parameter: str
    begin: int
    end: int
    owner: Tensor  # what the optimizer updates: the parameter itself, or a flat partition
    offset: int

    def of(self, flat: Tensor) -> Tensor:
        """The slice's elements, a view, in a tensor that is laid out as its owner."""
        return flat.view(-1)[self.offset : self.offset + self.end - self.begin]


def slices(names: Mapping[Tensor, str], sharded: Any, stage: int, rank: int) -> list[Slice]:  # noqa: ANN401
    """All that the optimizer updates on this rank, by parameter; `sharded` is DeepSpeed's ZeRO optimizer."""
    if stage == 0:
        return [Slice(name, 0, p.numel(), p, 0) for p, name in names.items()]
    return list(_partitions(names, sharded) if stage < 3 else _pieces(names, sharded, rank))


def _partitions(names: Mapping[Tensor, str], sharded: Any) -> Iterator[Slice]:  # noqa: ANN401
    """ZeRO 1 and 2: this rank's stretch of each group's parameters laid end to end."""
    for group, flat in zip(sharded.bit16_groups, sharded.single_partition_of_fp32_groups, strict=True):
        for parameter in group:
            if (mapping := parameter._hp_mapping) is not None:  # None: none of it is of this rank's stretch
                begin, count = mapping.lp_fragment_address.start, mapping.lp_fragment_address.numel
                yield Slice(names[parameter], begin, begin + count, flat, mapping.hp_fragment_address.start)


def _pieces(names: Mapping[Tensor, str], sharded: Any, rank: int) -> Iterator[Slice]:  # noqa: ANN401
    """ZeRO 3: equal pieces of every parameter, one a rank, the last ones padded."""
    for group, flat in zip(sharded.fp16_groups, sharded.fp32_partitioned_groups_flat, strict=True):
        offset = 0
        for parameter in group:
            piece = parameter.partition_numel()
            begin, end = rank * piece, min((rank + 1) * piece, parameter.ds_numel)
            if begin < end:
                yield Slice(names[parameter], begin, end, flat, offset)
            offset += piece


def collect(optimizer: torch.optim.Optimizer, held: Iterable[Slice]) -> dict[str, Tensor]:
    """Copies, on the CPU, of the moments of all slices; counters, of one element, go with each slice."""
    return {
        f"{piece.parameter}/{moment}/{piece.begin}": (piece.of(value) if value.ndim else value).to(
            "cpu", copy=True
        )
        for piece in held
        for moment, value in optimizer.state.get(piece.owner, {}).items()
    }


def metadata(optimizer: torch.optim.Optimizer) -> dict[str, str]:
    """What stands at the head of the file: whose moments they are."""
    return {"optimizer": type(optimizer).__name__}


def file_name(rank: int, writers: int) -> str:
    """The file of one of those ranks that write."""
    return f"{PREFIX}-{rank + 1:05d}-of-{writers:05d}.safetensors"


def restore(folder: Path, optimizer: torch.optim.Optimizer, held: Iterable[Slice]) -> None:
    """Give the optimizer the moments in a checkpoint's folder, whatever ranks and ZeRO stage wrote them.

    Ranks that count updates for each parameter apart (those of ZeRO 0) may hand different counts to one flat
    partition, which has one: it takes the largest.

    Raises:
        UsageError: they are those of another optimizer.
        CorruptArtefact: part of a parameter's moments is missing.
    """
    with ExitStack() as stack:
        files = _index(folder, optimizer, stack)
        moments = sorted({moment for _, moment in files})
        for piece in held:
            for moment in moments:
                found = files.get((piece.parameter, moment))
                if found and found[0][0] == found[0][1]:
                    _count(optimizer, moment, piece, found)
                elif found:
                    _fill(folder, optimizer.state[piece.owner], moment, piece, found)


def _index(
    folder: Path, optimizer: torch.optim.Optimizer, stack: ExitStack
) -> Mapping[tuple[str, str], Stored]:
    """(parameter, moment) -> where its slices are to be read."""
    from safetensors import safe_open

    index: dict[tuple[str, str], list[tuple[int, int, Any, str]]] = {}
    paths = sorted(folder.glob(f"{PREFIX}-*.safetensors"))
    if not paths:
        raise UsageError(f"{folder} holds no moments that this version reads: leave start_optimizer out")
    for path in paths:
        file = stack.enter_context(safe_open(path, "pt"))
        whose = (file.metadata() or {}).get("optimizer")
        if whose != type(optimizer).__name__:
            raise UsageError(
                f"{path} holds moments of {whose}, but this stage trains with {type(optimizer).__name__}: "
                "name the same optimizer, or leave start_optimizer out"
            )
        for name in file.keys():  # noqa: SIM118 - not a mapping
            parameter, moment, begin = name.rsplit("/", 2)
            shape = file.get_slice(name).get_shape()
            end = int(begin) + shape[0] if shape else int(begin)
            index.setdefault((parameter, moment), []).append((int(begin), end, file, name))
    return index


def _count(optimizer: torch.optim.Optimizer, moment: str, piece: Slice, found: Stored) -> None:
    """A counter: the largest of those of the parameters that one owner holds."""
    state = optimizer.state[piece.owner]
    counts = [file.get_tensor(name) for _, _, file, name in found]
    known = [state[moment].cpu()] if moment in state else []
    fused = optimizer.defaults.get("fused")  # torch's fused kernels want it where the parameter is
    state[moment] = torch.stack([*counts, *known]).amax(0).to(piece.owner.device if fused else "cpu")


def _fill(folder: Path, state: dict[str, Tensor], moment: str, piece: Slice, found: Stored) -> None:
    """One moment of one slice, from all stored slices that overlap it."""
    if moment not in state:
        state[moment] = torch.zeros_like(piece.owner, memory_format=torch.contiguous_format)
    target, filled = piece.of(state[moment]), 0
    for begin, end, file, name in found:
        first, last = max(begin, piece.begin), min(end, piece.end)
        if first < last:
            part = file.get_slice(name)[first - begin : last - begin]
            target[first - piece.begin : last - piece.begin] = part
            filled += last - first
    if filled != piece.end - piece.begin:
        raise CorruptArtefact(
            f"{folder} holds {filled:,} of {piece.end - piece.begin:,} elements of {moment} of "
            f"{piece.parameter} from {piece.begin:,} on: a rank's file is missing; remove that checkpoint"
        )
