"""Tokens of scenes that are too large for attention in one piece.

Attention among L tokens with biases by distance takes heads · L² numbers: 10 GB for 640 × 640 px in
patches of 4. A scene of more than `longest_side` tokens along an axis is encoded in tiles of that
side, whose margins are discarded; pooling is over all tokens of the scene. The tiles depend only on
the scene's extent, never on the batch or the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import torch
from torch import Tensor

from unlabeled.contract import Tokens
from unlabeled.encoders.patches import grid_of
from unlabeled_remote_sensing.encoders.raster_batch import RasterBatch

ATTENTION = 2**28
"""Bytes of the largest table of biases, float32."""

Span = tuple[int, int, int, int]
"""Tokens along an axis: the first and last that are read, the first and last that are kept."""


def longest_side(heads: int) -> int:
    """Tokens along the side of the largest square that is encoded in one piece."""
    return int((ATTENTION / (4 * heads)) ** 0.25)


def encode_in_tiles(
    batch: RasterBatch, patch: int, heads: int, encode: Callable[[RasterBatch], Tokens]
) -> Tokens:
    """All tokens of a batch, (N, L, D) row-major, by an encoder of smaller ones.

    patch: side in pixels; encode: gives the tokens of a batch. Positions are those of the tiles.
    """
    if torch.compiler.is_exporting():
        return encode(batch)
    rows, columns = _grid(batch, patch)
    if max(rows, columns) <= longest_side(heads):
        return _in_turns(batch, rows * columns, heads, encode)
    return _join([_of_sample(one, patch, heads, encode) for one in _samples(batch)])


def _in_turns(
    batch: RasterBatch, length: int, heads: int, encode: Callable[[RasterBatch], Tokens]
) -> Tokens:
    """Some samples at a time, if all together would need too much memory."""
    count = len(batch.transform)
    some = count if torch.is_grad_enabled() else max(1, 2 * ATTENTION // (4 * heads * length**2))
    if some >= count:
        return encode(batch)
    return _join([encode(_part(batch, slice(n, n + some))) for n in range(0, count, some)])


def _of_sample(
    sample: RasterBatch, patch: int, heads: int, encode: Callable[[RasterBatch], Tokens]
) -> Tokens:
    """The tokens of a single sample on the grid of its batch, 0 and not valid beyond its extent."""
    side = longest_side(heads)
    rows, columns = _grid(sample, patch)
    spans = [_spans(length, side) for length in _extent(sample, patch)]
    values: Tensor | None = None
    valid = torch.zeros(rows, columns, dtype=torch.bool, device=sample.transform.device)
    for (top, bottom, first, last), (left, right, begin, end) in product(*spans):
        area = [slice(a * patch, b * patch) for a, b in ((top, bottom), (left, right))]
        tile = _part(sample, slice(None), *area)
        found, grid = encode(tile), _grid(tile, patch)
        cells = slice(first - top, last - top), slice(begin - left, end - left)
        if values is None:
            values = found.values.new_zeros(rows, columns, found.values.shape[-1])
        values[first:last, begin:end] = found.values.reshape(*grid, -1)[cells]
        valid[first:last, begin:end] = found.valid.reshape(grid)[cells]
    assert values is not None
    flat = values.reshape(1, rows * columns, -1)
    return Tokens(flat, valid.reshape(1, -1), flat.new_zeros(1, rows * columns, 2))


def _spans(length: int, side: int) -> list[Span]:
    """Tiles of at most `side` along an axis of `length` that overlap by margins."""
    if length <= side:
        return [(0, length, 0, length)]
    margin = side // 8
    core = side - 2 * margin
    starts = range(0, length, core)
    return [
        (max(s - margin, 0), min(s + core + margin, length), s, min(s + core, length))
        for s in starts
    ]


def _extent(sample: RasterBatch, patch: int) -> tuple[int, int]:
    """Rows and columns of tokens up to the last that has data, at least 1 each."""
    there = torch.stack(list(sample.valid.values())).any(dim=0)[0]
    sizes = [
        int(used.nonzero().max()) + 1 if used.any() else 1
        for used in (there.any(dim=1), there.any(dim=0))
    ]
    rows, columns = grid_of(sizes, (patch, patch))
    return rows, columns


def _grid(batch: RasterBatch, patch: int) -> tuple[int, int]:
    rows, columns = grid_of(next(iter(batch.valid.values())).shape[1:], (patch, patch))
    return rows, columns


def _samples(batch: RasterBatch) -> Iterator[RasterBatch]:
    return (_part(batch, slice(n, n + 1)) for n in range(len(batch.transform)))


def _part(
    batch: RasterBatch, which: slice, rows: slice = slice(None), columns: slice = slice(None)
) -> RasterBatch:
    values = {name: x[which, :, rows, columns] for name, x in batch.values.items()}
    valid = {name: x[which, rows, columns] for name, x in batch.valid.items()}
    return RasterBatch(values, valid, batch.transform[which])


def _join(parts: list[Tokens]) -> Tokens:
    columns = zip(*((part.values, part.valid, part.position) for part in parts), strict=True)
    values, valid, position = (torch.cat(column) for column in columns)
    return Tokens(values, valid, position)
