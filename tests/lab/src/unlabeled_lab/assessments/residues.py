"""Is the kind of a residue that of the nearest mean of a kind, fitted on other proteins?"""

from __future__ import annotations

import numpy as np

from unlabeled.contract import Assessed, Assessment, LabelledItems, Score, Source, Subject


class Residues(Assessment):
    """Accuracy over residues; labels are stretches of one residue each. Half the groups fit."""

    def assess(
        self,
        subject: Subject,
        source: Source,
        labels: LabelledItems | None,
        rng: np.random.Generator,
    ) -> Assessed | None:
        assert labels is not None
        groups = sorted(set(labels.groups.tolist()))
        fitted = rng.permutation(groups)[: len(groups) // 2]
        found = subject.embed(labels)
        if found is None:
            return None
        kinds = np.array(labels.table[labels.targets[0]].to_pylist())[found.places]
        fits = np.isin(labels.groups[found.places], fitted)
        tests = ~fits & labels.testable[found.places]
        names = np.unique(kinds[fits])
        means = np.stack([found.values[fits & (kinds == name)].mean(0) for name in names])
        far = np.linalg.norm(found.values[tests][:, None] - means, axis=2)
        right = (names[far.argmin(1)] == kinds[tests]).astype(float)
        units = found.places[tests]
        score = Score.mean("accuracy", right)
        return Assessed(units, labels.groups[units], (score,), width=found.values.shape[1])
