from reported import HOSTILE, Checked

from unlabeled.report.previews import Shown
from unlabeled.report.rendering import render


def test_values_are_escaped_and_paths_shortened():
    item = Shown(HOSTILE, "from /srv/data/x.png", "data:image/png;base64,AA", sound=False)
    page = render("sections/item.html", item=item)
    assert "<script>" not in page
    assert Checked(page).text == "from …/x.png"
