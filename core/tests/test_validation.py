"""One clear line per problem, with the place, what was expected and the nearest name."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import Field

from unlabeled.errors import RecipeError
from unlabeled.settings import Settings
from unlabeled.training.settings import TrainingSettings
from unlabeled.validation import validate


class Inner(Settings):
    width: int = Field(8, gt=0)


class Outer(Settings):
    ratio: float = Field(0.5, ge=0, le=1)
    mode: Literal["patch", "frame"] = "patch"
    deep: bool = False
    inner: Inner = Inner()
    sizes: tuple[int, ...] = (1,)
    needed: int


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"needed": 1, "ration": 1}, "here.ration: unknown key. Did you mean ratio?"),
        ({"needed": 1, "ratio": 2}, "here.ratio: expected at most 1.0, found 2."),
        ({"needed": 1, "ratio": "much"}, "here.ratio: expected a number, found 'much'."),
        ({"needed": 1, "ratio": float("nan")}, "here.ratio: expected a finite number, found nan."),
        ({"needed": 1, "mode": "x"}, "here.mode: expected one of 'patch' or 'frame', found 'x'."),
        ({"needed": 1.5}, "here.needed: expected a whole number, found 1.5."),
        ({}, "here.needed: is required and not set."),
        ({"needed": 1, "inner": {"wid": 1}}, "here.inner.wid: unknown key. Did you mean width?"),
        ({"needed": 1, "inner": {"width": 0}}, "here.inner.width: expected more than 0, found 0."),
        ({"needed": 1, "inner": 3}, "here.inner: expected a section of `key: value`, found 3."),
        ({"needed": 1, "sizes": [1, "a"]}, "here.sizes.1: expected a whole number, found 'a'."),
        ({"needed": 1, "deep": "perhaps"}, "here.deep: expected true or false, found 'perhaps'."),
        ([], "here: expected a section of `key: value`, found []"),
    ],
)
def test_the_message(values, message):
    with pytest.raises(RecipeError) as caught:
        validate(Outer, values, "here")
    assert str(caught.value) == message


def test_every_problem_is_told_at_once():
    with pytest.raises(RecipeError) as caught:
        validate(Outer, {"ratio": 7, "mode": 1}, "here")
    assert len(str(caught.value).splitlines()) == 3


def test_a_union_is_told_apart_by_name_and_its_name_is_not_part_of_the_place():
    values = {"epochs": 1, "optimiser": {"name": "sgd", "momentun": 0.9}}
    with pytest.raises(RecipeError) as caught:
        validate(TrainingSettings, values, "training")
    assert str(caught.value) == ("training.optimiser.momentun: unknown key. Did you mean momentum?")


def test_an_unknown_member_of_a_union_lists_the_known_ones():
    with pytest.raises(RecipeError, match=r"there is no 'adan'\. Did you mean adam"):
        validate(TrainingSettings, {"epochs": 1, "optimiser": {"name": "adan"}}, "training")


def test_text_from_a_command_line_becomes_numbers():
    checked = validate(Outer, {"needed": "3", "ratio": "1e-1", "deep": "true"}, "here")
    assert (checked.needed, checked.ratio, checked.deep) == (3, 0.1, True)
