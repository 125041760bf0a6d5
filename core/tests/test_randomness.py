import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

import unlabeled
from unlabeled.data.items import Item
from unlabeled.randomness import Draw, keyed_rng

SCAN = Item("scan1", "scan1.nii", "patient1", 7)


def test_a_draw_is_of_its_item_with_its_group():
    draw = Draw.of(SCAN, 3, 1, 2)
    assert (draw.seed, draw.epoch, draw.item, draw.number, draw.group) == (
        3,
        1,
        "scan1",
        2,
        "patient1",
    )


def test_the_group_of_a_draw_has_no_default():
    """A default group was taken in silence once: the loader forgot it, and nothing looked wrong."""
    with pytest.raises(TypeError):
        Draw(0, 0, "scan1")
    assert all(field.default is MISSING for field in fields(Draw))


def test_no_source_makes_a_draw_by_itself():
    root = Path(unlabeled.__file__).parent
    makers = [p.name for p in root.rglob("*.py") if re.search(r"\bDraw\(", p.read_text())]
    assert makers == []


def test_random_numbers_do_not_depend_on_the_group():
    other = Item("scan1", "elsewhere.nii", "patient2", 9)
    one, two = (Draw.of(item, 3, 1, 2).rng("mask").random() for item in (SCAN, other))
    assert one == two == keyed_rng(3, 1, "scan1", 2, "mask").random()
    assert one != Draw.of(SCAN, 3, 1, 3).rng("mask").random()
