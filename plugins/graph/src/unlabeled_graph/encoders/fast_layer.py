"""Properties that a layer declares, so that the body of an encoder need not know its class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from unlabeled_graph.graphs import GraphBatch
from unlabeled_graph.sparse_rows import SparseRows


class FastLayer(ABC):
    """A layer (an `nn.Module` beside) that takes the batch, and may compute a few rows alone.

    takes_sparse: whether it accepts mostly-zero features as SparseRows.
    """

    takes_sparse: ClassVar[bool] = False

    @abstractmethod
    def over(
        self, nodes: Tensor | SparseRows, graphs: GraphBatch, at: Tensor | None = None
    ) -> Tensor:
        """nodes: (M, below), SparseRows only where `takes_sparse`; at: (P,) node numbers.

        Returns (P, above), the rows `at`; of all nodes, (M, above), if None.
        """


def rows(values: Tensor, at: Tensor | None) -> Tensor:
    """The rows `at` (P,) of (M, D), all of them if None."""
    return values if at is None else values.index_select(0, at)
