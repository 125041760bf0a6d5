import pytest

from unlabeled.conformance.check import Violation
from unlabeled.conformance.work import _require_pictures
from unlabeled.contract import Preview, Work
from unlabeled.contract.preview import LARGEST_PREVIEW


def picture(content=b"1", caption="m"):
    return Preview(content, "png", caption)


def test_columns_that_differ_are_in_order():
    _require_pictures(Work((("hidden", [picture()]), ("true", [picture(b"2")]))))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ((("true", [picture()]),), "1 columns"),
        ((("hidden", [picture()]), ("true", [picture()])), "two columns show the same"),
        ((("hidden", []), ("true", [picture()])), "without a title or a picture"),
        (((" ", [picture()]), ("true", [picture(b"2")])), "without a title or a picture"),
        ((("a", [picture(caption="")]), ("b", [picture(b"2")])), "without a caption"),
        ((("a", [picture(b"x" * LARGEST_PREVIEW * 2)]), ("b", [picture()])), "bytes in a picture"),
    ],
)
def test_what_a_page_could_not_show_is_a_violation(columns, said):
    with pytest.raises(Violation, match=said):
        _require_pictures(Work(columns))
