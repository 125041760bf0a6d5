import pytest

from unlabeled.errors import RecipeError
from unlabeled.masks.blocks import BlockMask
from unlabeled.masks.planner import Mask
from unlabeled.masks.random import RandomMask
from unlabeled.settings import Settings
from unlabeled.validation import validate


class Section(Settings):
    mask: Mask = RandomMask()


def test_is_random_without_a_name():
    assert validate(Section, {"mask": {"ratio": 0.6}}, "pretext").mask == RandomMask(ratio=0.6)


def test_name_chooses():
    assert validate(Section, {"mask": {"name": "blocks"}}, "pretext").mask == BlockMask()


def test_unknown_key_gets_the_nearest_of_the_chosen_mask():
    with pytest.raises(RecipeError, match=r"unknown key. Did you mean largest\?"):
        validate(Section, {"mask": {"name": "blocks", "largets": 3}}, "pretext")


def test_unknown_name_gets_the_nearest_mask():
    with pytest.raises(RecipeError, match=r"no 'bloks'. Did you mean blocks\?"):
        validate(Section, {"mask": {"name": "bloks"}}, "pretext")
