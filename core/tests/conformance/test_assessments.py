import numpy as np
import pytest

from unlabeled.conformance import assessments
from unlabeled.conformance.assessments import Tried
from unlabeled.conformance.check import Violation
from unlabeled.contract import Assessed, Score

VALUES = np.array([1.0, 2.0, 4.0])
MEAN = (Score.mean("m", VALUES),)


def tried(*, units="xyz", groups="ggh", known="gh", scores=MEAN):
    found = Assessed(np.array(list(units)), np.array(list(groups)), scores)
    return lambda: Tried(lambda: found, frozenset(known))


@pytest.mark.parametrize("clause", ["_drawn", "_order", "_groups", "_undefined"])
def test_sound_evidence_keeps_every_clause(clause):
    getattr(assessments, clause)(tried())


def by_place(at):
    return float(VALUES[at] @ np.arange(len(at)))


@pytest.mark.parametrize(
    ("clause", "given", "seen"),
    [
        ("_order", {"scores": (Score("m", by_place),)}, "in two orders"),
        ("_groups", {"units": "xxy"}, "a unit stands twice"),
        ("_groups", {"groups": "xyz"}, "no group of items or labels"),
        ("_undefined", {"scores": (Score("m", lambda at: 0.0),)}, "over no unit is 0"),
        ("_undefined", {"scores": (Score("m", lambda at: np.nan),)}, "the headline .* is nan"),
        ("_drawn", {"scores": ()}, "no unit or no score"),
    ],
)
def test_what_breaks_one_is_seen(clause, given, seen):
    with pytest.raises(Violation, match=seen):
        getattr(assessments, clause)(tried(**given))


def test_parts_of_the_only_group_may_count_as_groups():
    assessments._groups(tried(groups="xyz", known="g"))


def test_other_numbers_in_a_second_call_are_seen():
    found = iter([VALUES, VALUES + 1])

    def assess():
        return Assessed(VALUES, np.array(list("ggh")), (Score.mean("m", next(found)),))

    with pytest.raises(Violation, match="m of two calls"):
        assessments._drawn(lambda: Tried(assess, frozenset("gh")))
