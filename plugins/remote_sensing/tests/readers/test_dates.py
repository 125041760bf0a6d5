from datetime import datetime

import pytest

from unlabeled_remote_sensing.readers.dates import date_text, parse_date

DAY = datetime(2022, 6, 12)
MOMENT = datetime(2022, 6, 12, 10, 10, 31)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2022-06-12", DAY),
        ("20220612", DAY),
        ("2022_06_12", DAY),
        ("2022.06.12", DAY),
        ("2022163", DAY),
        ("2022-163", DAY),
        ("A2022163", DAY),
        ("20220612T101031", MOMENT),
        ("20220612t101031", MOMENT),
        ("20220612101031", MOMENT),
        ("20220612_101031", MOMENT),
        ("2022-06-12 10:10:31", MOMENT),
        ("2022-06-12T10:10:31.024Z", MOMENT),
        ("2022-06-12T12:10:31+02:00", MOMENT),
        ("2022163T101031", MOMENT),
        ("2022163101031", MOMENT),
        ("20220612T1010", datetime(2022, 6, 12, 10, 10)),
        ("2024366", datetime(2024, 12, 31)),
    ],
)
def test_dates_of_names_and_tables(text, expected):
    assert parse_date(text) == expected


@pytest.mark.parametrize(
    "text", ["spring", "", "2022", "202206", "20221306", "2022000", "2022366", "20220612T25", "1"]
)
def test_what_is_no_date(text):
    with pytest.raises(ValueError, match=r"."):
        parse_date(text)


def test_a_date_in_an_id_has_its_time_of_day_if_there_is_one():
    assert date_text(DAY) == "20220612"
    assert date_text(MOMENT) == "20220612T101031"
