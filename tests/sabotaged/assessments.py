"""Assessments that break one clause each."""

import numpy as np

from unlabeled.contract import Assessed, Assessment, Rivals, Score


class Levels(Assessment):
    """Sound: how far the mean of an embedding lies from that of the others."""

    def assess(self, subject, source, labels, rng):
        found = subject.embed(labels)
        if found is None:
            return None
        weights = rng.random(found.values.shape[1])
        values = np.nan_to_num(found.values) @ weights
        return self.made(found.places, labels.groups[found.places], values)

    def made(self, units, groups, values):
        return Assessed(units, groups, (Score.mean("level", values),))


class Drawing(Levels):
    """S1: draws of its own."""

    def assess(self, subject, source, labels, rng):
        return super().assess(subject, source, labels, np.random.default_rng())


class Placed(Levels):
    """S2: the score depends on where a unit stands in the list."""

    def made(self, units, groups, values):
        def of(at):
            return float(values[at] @ np.arange(len(at))) if len(at) else float("nan")

        return Assessed(units, groups, (Score("level", of),))


class NoGroups(Levels):
    """S3: groups that are not those of the items."""

    def made(self, units, groups, values):
        return super().made(units, np.array([f"{unit}" for unit in units]), values)


class Sure(Levels):
    """S4: a number where there is nothing to score."""

    def made(self, units, groups, values):
        return Assessed(units, groups, (Score("level", lambda at: float(values[at].sum())),))


class BesideAMean(Levels, Rivals):
    """For L2: of restorations, all alike, beside better ones."""

    kind = "restoration"

    def assess(self, subject, source, labels, rng):
        return self.constant(labels, 0.6)

    def rivals(self, source, labels, rng):
        return {"input": self.constant(labels, 0.5), "mean": self.constant(labels, 0.7)}

    def constant(self, labels, value):
        return self.made(
            np.arange(len(labels.rows)), labels.groups, np.full(len(labels.rows), value)
        )
