"""What a recipe may name of another library stands in a table; the rest is refused by name."""

import pytest

from unlabeled.allowed import allowed_arguments, allowed_name
from unlabeled.errors import RecipeError

TABLE = {"Flip": {"prob": float, "axes": tuple[int, ...]}, "Rotate": {}}


def test_values_take_the_types_of_the_table():
    assert allowed_arguments(TABLE, "Flip", {"prob": "0.5", "axes": [0, 1]}, "here") == {
        "prob": 0.5,
        "axes": (0, 1),
    }
    assert allowed_arguments(TABLE, "Rotate", {}, "here") == {}


def test_another_class_is_refused_with_the_nearest_name():
    with pytest.raises(RecipeError, match=r"here: 'Flop' is not among the allowed ones.*Flip"):
        allowed_name(TABLE, "Flop", "here")


@pytest.mark.parametrize("arguments", [{"probs": 1}, {"prob": "often"}, {"axes": "os.system"}])
def test_another_argument_or_type_is_refused(arguments):
    with pytest.raises(RecipeError, match=r"here, Flip.*" + next(iter(arguments))):
        allowed_arguments(TABLE, "Flip", arguments, "here")
