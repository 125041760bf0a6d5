import numpy as np
import pyarrow as pa
import pytest

from unlabeled.contract import Extends
from unlabeled.data.items import Items
from unlabeled.data.labels import Labels
from unlabeled.errors import DataError
from unlabeled.evaluation.extents import within
from unlabeled.evaluation.matching import match
from unlabeled.inference.reading import Source


class Clips(Extends):
    def extent(self, item):
        return item.size / 100


def stretches(tmp_path, *bounds, reader=None):
    items = Items.of({"id": ["a", "b"], "source": ["a", "b"], "size": [200, 400]})
    source = Source(items, reader or Clips())
    columns = {"item": ["a", "b"][: len(bounds)], "y": [1, 2][: len(bounds)]}
    starts, ends = zip(*bounds, strict=True)
    table = pa.table({**columns, "start": starts, "end": ends})
    labels = Labels(table, np.arange(2, 2 + len(bounds)), "l.csv")
    return within(match(labels, source, tmp_path), source)


def test_a_slight_overhang_is_cut_and_noted(tmp_path):
    found = stretches(tmp_path, (0.0, 2.0), (3.0, 4.05))
    assert found.parts.bounds.tolist() == [[0, 2], [3, 4]]
    assert found.labels.notes == (
        "1 stretch ends up to 0.05 after the end of the item, cut there (l.csv, row 3).",
    )


@pytest.mark.parametrize("bounds", [(400.0, 800.0), (3.0, 6.0), (4.0, 4.05), (0.0, 64000.0)])
def test_what_lies_past_the_end_shows_the_length_of_the_item(tmp_path, bounds):
    with pytest.raises(DataError) as error:
        stretches(tmp_path, (0.0, 1.0), bounds)
    assert f"l.csv, row 3: expected stretches within their items, found {bounds[0]:g}" in str(
        error.value
    )
    assert "of 'b', whose length is 4.000" in str(error.value)


def test_readers_that_know_no_length_leave_labels_as_they_are(tmp_path):
    assert stretches(tmp_path, (0.0, 99.0), reader=object()).parts.bounds.tolist() == [[0, 99]]
