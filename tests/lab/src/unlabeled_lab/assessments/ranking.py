"""Do goods that users bought later stand high among those they had not bought?"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from unlabeled.contract import Assessed, Assessment, LabelledItems, Score, Source, Subject


class Ranking(Assessment):
    """Recall at k over users, goods that they had bought already left out."""

    uses_labels: ClassVar[bool] = False
    k: int = Field(5, ge=1, description="goods that are shown")

    def assess(
        self,
        subject: Subject,
        source: Source,
        labels: LabelledItems | None,
        rng: np.random.Generator,
    ) -> Assessed | None:
        units, recalls = [], []
        for rows, samples in source.batches(range(len(source.items)), 1):
            if "held" not in samples[0]:
                continue
            pieces = subject.encode(samples, "nodes")
            if pieces is None:
                return None
            found = self._recalls(samples[0], np.asarray(pieces[0].values, float))
            name = source.items[rows[0]].id
            units += [f"{name}#{user}" for user in found]
            recalls += found.values()
        score = Score.mean(f"recall@{self.k}", np.array(recalls))
        return Assessed(np.array(units), np.array(units), (score,))

    def _recalls(self, sample: dict, nodes: np.ndarray) -> dict[int, float]:
        """By user. nodes: (M, D), users, then goods."""
        users = int(sample["users"])
        worth = nodes[:users] @ nodes[users:].T
        worth[sample["edges"][0], sample["edges"][1]] = -np.inf
        shown = np.argsort(-worth, axis=1, kind="stable")[:, : self.k]
        user, good = sample["held"]
        later = {u: good[user == u] for u in sorted(set(user.tolist()))}
        return {u: float(np.isin(goods, shown[u]).mean()) for u, goods in later.items()}
