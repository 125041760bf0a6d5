"""Contrast of two vectors of the same user, and of the same item: the term that SGL, SimGCL and
XSimGCL share.

    weight · (objective over users + objective over items)

over the different users and the different items of the triples. With InfoNCE the negatives of a
user are the other users of the step; the papers compare in one direction, the core's in both and
takes the mean.
"""

from __future__ import annotations

import torch
from torch import Tensor

from unlabeled.contract import Objective
from unlabeled.errors import RecipeError
from unlabeled_graph.pretexts.bpr import Triples


def contrast(
    objective: Objective, one: Tensor, other: Tensor, triples: Triples, weight: float
) -> dict[str, Tensor]:
    """The terms of users and of items. one, other: (N, D) with N = U + I. Raises ShapeError."""
    sides = {"users": triples.user, "items": triples.item + triples.graph.users}
    terms = {}
    for side, nodes in sides.items():
        each = torch.unique(nodes)  # what stands twice would be its own negative
        views = [vectors.index_select(0, each) for vectors in (one, other)]
        terms[side] = weight * objective(views).total
    return terms


def require_no_teacher(objective: Objective) -> None:
    """Raises RecipeError for an objective that compares with a teacher."""
    if objective.needs_teacher:
        raise RecipeError(
            f"objective: {type(objective).__name__} needs a teacher, which this pretext has not. "
            "Take info_nce or nt_xent."
        )
