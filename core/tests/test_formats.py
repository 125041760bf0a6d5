"""A file of another layout is refused with what to do."""

from pathlib import Path

import pytest

from unlabeled.errors import DataError
from unlabeled.formats import require_format

FILE = Path("some.json")


def test_the_number_that_is_read_passes():
    require_format(2, 2, FILE, DataError, "Make it again")


@pytest.mark.parametrize(
    ("found", "todo"),
    [
        (3, "found 3. A newer version wrote it: pip install --upgrade unlabeled."),
        (1, "found 1. Make it again."),
        (None, "found None. Make it again."),
        ("2", "found '2'. Make it again."),
        (2.0, "found 2.0. Make it again."),
    ],
)
def test_another_one_is_refused_with_what_to_do(found, todo):
    with pytest.raises(DataError) as caught:
        require_format(found, 2, FILE, DataError, "Make it again")
    assert str(caught.value) == f"some.json: expected format 2, {todo}"


def test_true_is_no_number():
    with pytest.raises(DataError, match="found True"):
        require_format(True, 1, FILE, DataError, "Make it again")
