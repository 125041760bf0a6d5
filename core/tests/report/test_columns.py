import numpy as np

from unlabeled.report.columns import COLOURS, LEVELS, OTHERS, UNKNOWN, column, distinct


def test_classes_are_ordered_by_how_common_they_are():
    found = column("site", "metadata", ["b", "a", "b", None, ""])
    assert found.classes == ("b", "a")
    assert found.codes.tolist() == [0, 1, 0, -1, -1]
    assert found.colours.tolist() == [0, 1, 0, UNKNOWN, UNKNOWN]
    assert found.legend() == [(0, "b"), (1, "a"), (UNKNOWN, "no value")]


def test_rare_classes_share_a_colour():
    names = [f"class {n:02d}" for n in range(15) for _ in range(20 - n)]
    found = column("kind", "label", names)
    assert set(found.colours.tolist()) == {*range(COLOURS), OTHERS}
    assert found.legend()[-1] == (OTHERS, "5 others")


def test_a_quantity_has_steps():
    found = column("age", "metadata", [*np.linspace(0, 70, 50), None])
    assert found.quantity
    assert found.codes[[0, 25, 49, 50]].tolist() == [0, 3, LEVELS - 1, -1]
    assert found.legend()[0] == (0, "0 to 10")
    assert column("few", "label", [0, 1, 1, 0]).quantity is False


def test_what_tells_nothing_is_no_column():
    assert column("all", "metadata", ["a"] * 5) is None
    assert column("name", "metadata", [f"file {n}" for n in range(50)]) is None
    assert column("flat", "metadata", [0.5, 0.5]) is None


def test_names_of_people_become_numbers():
    found = column("patient", "group", ["Smith", "Jones", "Smith", "Lee"], hide=True)
    assert found.classes == ("group 1", "group 2", "group 3")


def test_one_property_under_two_names_stands_once():
    one, two = column("a", "label", ["x", "y"]), column("b", "group", ["1", "2"])
    assert distinct(iter([one, two, None, one])) == [one]
