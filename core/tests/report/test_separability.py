import numpy as np
import pytest

from unlabeled.report.columns import column
from unlabeled.report.separability import separability

RNG = np.random.default_rng(0)
SITE = np.repeat(["a", "b", "c", "d"], 40)
KIND = np.tile(["x", "y"], 80)


def vectors(site=0.0, kind=0.0):
    x = RNG.normal(size=(160, 8))
    x[np.arange(160), np.repeat(range(4), 40)] += site
    x[:, 7] += kind * (KIND == "x")
    return x


def test_a_site_that_shows_is_found_and_one_that_does_not_is_at_chance():
    by_site = column("site", "group", SITE.tolist())
    shows = separability(vectors(site=5), by_site, SITE)
    assert shows.score > 0.95
    assert (shows.metric, shows.classes, shows.items, shows.whole_groups) == ("AUC", 4, 160, False)
    assert shows.interval.low <= shows.score <= shows.interval.high
    hidden = separability(vectors(), by_site, SITE)
    assert hidden.score < 0.65


def test_a_label_is_tested_on_groups_that_were_left_out():
    kind = column("kind", "label", KIND.tolist())
    found = separability(vectors(kind=5), kind, SITE)
    assert found.whole_groups
    assert found.score > 0.95


def test_a_label_that_is_the_group_is_tested_on_items():
    place = column("place", "label", SITE.tolist())
    assert separability(vectors(site=5), place, SITE).whole_groups is False


def test_a_quantity_has_r2():
    x = vectors()
    age = column("age", "metadata", (x[:, 2] * 10 + 50).tolist())
    found = separability(x, age, SITE)
    assert (found.metric, found.classes) == ("R²", 0)
    assert found.score == pytest.approx(1, abs=0.05)


def test_too_few_items_say_nothing():
    rare = column("rare", "label", ["p"] * 158 + ["q"] * 2)
    assert separability(vectors(), rare, SITE) is None
    tiny = column("kind", "label", KIND[:8].tolist())
    assert separability(vectors()[:8], tiny, SITE[:8]) is None
