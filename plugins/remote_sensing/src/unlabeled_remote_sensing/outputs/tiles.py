"""A scene cut into overlapping tiles whose cores cover it once, in rows that fit in memory."""

from __future__ import annotations

from dataclasses import dataclass

from unlabeled.errors import UsageError


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile: the pixels to read (row, column, height, width), and its cells: rows and columns in
    the whole result, and their start within the tile's own result."""

    row: int
    column: int
    height: int
    width: int
    rows: tuple[int, int]
    columns: tuple[int, int]
    first: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Tiling:
    """height, width: of the scene, in pixels; cell: pixels per cell of the result; size: of a
    tile; margin: context on each side that is read and thrown away. Sizes are whole cells."""

    height: int
    width: int
    cell: int
    size: int
    margin: int

    def __post_init__(self) -> None:
        if self.size % self.cell or self.margin % self.cell or self.size <= 2 * self.margin:
            raise UsageError(
                f"tile ({self.size}) and margin ({self.margin}) must be multiples of "
                f"{self.cell} pixels, and the tile longer than two margins"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the result; a cell that is not full counts as one."""
        return -(-self.height // self.cell), -(-self.width // self.cell)

    def rows(self) -> list[list[Tile]]:
        """The tiles, row of tiles by row of tiles, from the top."""
        return [
            [self._tile(vertical, horizontal) for horizontal in self._cuts(self.width)]
            for vertical in self._cuts(self.height)
        ]

    def _cuts(self, length: int) -> list[tuple[int, int, int, int]]:
        """(start, length) in pixels of what is read, (first, last) cell of what it gives."""
        core = self.size - 2 * self.margin
        cuts = []
        for begin in range(0, length, core):
            start = max(begin - self.margin, 0)
            stop = min(begin + core + self.margin, length)
            last = -(-min(begin + core, length) // self.cell)
            cuts.append((start, stop - start, begin // self.cell, last))
        return cuts

    def _tile(
        self, vertical: tuple[int, int, int, int], horizontal: tuple[int, int, int, int]
    ) -> Tile:
        (row, height, top, bottom), (column, width, left, right) = vertical, horizontal
        first = (top - row // self.cell, left - column // self.cell)
        return Tile(row, column, height, width, (top, bottom), (left, right), first)
