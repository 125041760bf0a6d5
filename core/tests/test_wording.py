"""Nouns and verbs agree with their number."""

import pytest

from unlabeled.wording import counted


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 items are"), (1, "1 item is"), (2, "2 items are"), (12345, "12,345 items are")],
)
def test_noun_and_verb_follow_the_number(count, expected):
    assert counted(count, "item", "is", "are") == expected
    assert counted(count, "item") == expected.rpartition(" ")[0]
