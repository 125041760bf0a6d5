from reported import Checked, a_seen

from unlabeled.report.gallery import Gallery
from unlabeled.report.nearest import Near
from unlabeled.report.sections.neighbours import neighbours


def test_neighbours_say_what_they_share_with_the_item():
    near = (Near(0, (2, 1, 59), (0.9, 0.8, 0.7)),)
    gallery = Gallery({0: "data:image/png;base64,AA"})
    found = neighbours(a_seen(near=near, gallery=gallery))
    text = Checked(found.body).text
    assert "item 0.wav kind x group a" in text
    assert "item 2.wav 0.90 same kind same group" in text
    assert "item 1.wav 0.80 other kind same group" in text
    assert "item 59.wav 0.70 other kind" in text
    assert "Neighbours share: kind 33%, group 67%." in text
    assert found.body.count('href="#p0"') == 1
    assert "no picture" in text


def test_without_embeddings_there_is_no_section():
    assert neighbours(a_seen()) is None
