"""Which items clause P6 is asked about; the clause itself has a saboteur."""

from __future__ import annotations

from pathlib import Path

import pytest
from unlabeled_tides import synthetic
from unlabeled_tides.plugin import plugin as tides

from unlabeled.conformance.fixture import Fixture
from unlabeled.conformance.groups import _sharing, _two_by_two
from unlabeled.data.items import Items


def items_of(groups: str) -> Items:
    """An index with one item per letter, its group; `-` has none."""
    names = ["" if letter == "-" else letter for letter in groups]
    ids = [f"item{row}" for row in range(len(names))]
    return Items.of(
        {"id": ids, "source": ids, "group": names, "size": [1] * len(ids), "signature": ids}
    )


@pytest.mark.parametrize(
    ("groups", "chosen"),
    [
        ("aabb", "aabb"),
        ("aaaabb", "aaab"),
        ("abab", "abab"),
        ("-aabb-", "aabb"),
        ("aabcd", "aabc"),
    ],
)
def test_items_that_share_groups_are_asked_about(groups, chosen):
    found = _sharing(items_of(groups), 4)
    assert found is not None
    assert "".join(found.table["group"].to_pylist()) == chosen


@pytest.mark.parametrize("groups", ["----", "abcd", "aaaa", "aab"])
def test_data_without_shared_groups_say_nothing(groups):
    assert _sharing(items_of(groups), 4) is None


def test_without_shared_groups_the_check_makes_pairs():
    groups = _two_by_two(items_of("-----"), 4).table["group"].to_pylist()
    assert groups == ["group 0", "group 0", "group 1", "group 1"]


def test_the_writer_of_synthetic_data_names_the_settings_that_find_groups(monkeypatch):
    assert Fixture(tides).group_settings("gauges") == {}
    wanted = {"pattern": "{gauge}.txt", "group": "gauge"}
    write = synthetic.write

    def writes(path: Path, *, count: int, seed: int) -> dict[str, str]:
        write(path, count=count, seed=seed)
        return wanted

    monkeypatch.setattr(synthetic, "write", writes)
    assert Fixture(tides).group_settings("gauges") == wanted
