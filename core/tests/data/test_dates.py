import datetime

import numpy as np
import pyarrow as pa
import pytest

from unlabeled.data.dates import years_since_2000

DAY = 1 / 365.25


def column(*values, kind=None):
    return pa.chunked_array([pa.array(values, kind)])


@pytest.mark.parametrize(
    "values",
    [
        ("2000-01-01", "2000-01-02", None),
        ("2000-01-01T00:00", "2000-01-02 00:00:00", None),
        ("2000-01-01T00:00Z", "2000-01-02T00:00Z", None),
        (datetime.date(2000, 1, 1), datetime.date(2000, 1, 2), None),
        (datetime.datetime(2000, 1, 1), datetime.datetime(2000, 1, 2), None),
    ],
)
def test_dates_are_years_since_the_start_of_2000(values):
    np.testing.assert_allclose(years_since_2000(column(*values)), [0, DAY, np.nan], atol=1e-12)


@pytest.mark.parametrize(
    "values", [("2000-01-01", "soon"), ("2000-02-31",), (1.0, 2.0), ("1.2.2000",)]
)
def test_anything_else_is_no_date(values):
    assert years_since_2000(column(*values)) is None


def test_a_column_of_nothing_is_no_date():
    assert years_since_2000(column(None, None, kind=pa.string())) is None
