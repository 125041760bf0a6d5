from reported import HOSTILE, Checked

from unlabeled.report.rendering import render
from unlabeled.report.sections.items import Shown


def test_values_are_escaped_and_paths_shortened():
    item = Shown(f"from /srv/data/x.png {HOSTILE}", "data:image/png;base64,AA", sound=False)
    page = render("sections/item.html", shown=[item], name=HOSTILE)
    assert "<script>" not in page
    assert Checked(page).text == f"from …/x.png {HOSTILE}"
