import numpy as np
import pytest
from reported import Checked, a_seen

from unlabeled.evaluation.bootstrap import Interval
from unlabeled.report.sections.map import embedding_map, map_of, sentence
from unlabeled.report.separability import Separability


def told(name, role, score, metric="AUC"):
    span = Interval(score - 0.05, score + 0.05)
    return Separability(name, role, metric, score, span, 2, 100, whole_groups=True)


def test_the_map_has_a_point_for_each_item_and_a_table_of_what_shows():
    seen = a_seen()
    found = map_of(seen)
    body = embedding_map(found, seen).body
    page = Checked(body)
    assert body.count("<circle") == 60
    assert found.picture.count("<circle") == 60
    assert "kind (label) AUC 0." in page.text
    assert "group AUC 0.9" in page.text or "group AUC 1.0" in page.text
    assert "The group can be predicted better than kind" in page.text
    assert '<option value="1">group</option>' in body


def test_items_without_an_embedding_are_not_on_the_map():
    seen = a_seen(embedded=np.arange(0, 60, 2), vectors=a_seen().vectors[::2])
    found = map_of(seen)
    assert found.picture.count("<circle") == 30
    assert [each.name for each in found.columns] == ["group"]  # all of one kind are left


def test_few_items_are_no_map():
    seen = a_seen(embedded=np.arange(5), vectors=np.ones((5, 2)))
    assert map_of(seen) is None
    assert embedding_map(None, seen) is None


@pytest.mark.parametrize(
    ("group", "label", "words"),
    [
        (0.95, 0.7, "predicted better than digit (AUC 0.95 beside 0.70)"),
        (0.55, 0.9, "hardly shows"),
        (0.8, 0.82, "shows as well as digit does"),
    ],
)
def test_the_sentence_compares_group_and_label(group, label, words):
    assert words in sentence([told("digit", "label", label), told("group", "group", group)])


def test_without_a_group_or_a_label_there_is_no_sentence():
    assert sentence([told("digit", "label", 0.9)]) == ""
    assert sentence([told("age", "label", 0.9, "R²"), told("group", "group", 0.9)]) == ""
