from reported import HOSTILE, Checked, a_seen

from unlabeled.contract import Preview
from unlabeled.report.look import Found
from unlabeled.report.sections.items import Budget, items

PICTURE = Preview(b"12345", "png", "2 mm")
OTHER = Preview(b"67890", "png", "other")
SOUND = Preview(b"123", "wav", HOSTILE)


def test_a_sound_has_a_player_and_a_picture_its_caption():
    found = Checked(items(a_seen(full={3: Found(None, (PICTURE, SOUND))})).body)
    assert {"audio", "img"} <= set(found.tags)
    assert "item 3.wav" in found.text
    assert "2 mm" in found.text
    assert HOSTILE in found.text


def test_views_are_shown_unless_the_picture_does_not_change():
    full = {3: Found(None, (PICTURE,), ((OTHER,), (PICTURE,)))}
    text = Checked(items(a_seen(full=full)).body).text
    assert "View 1, as the method sees it" in text
    assert "View 2" not in text


def test_what_does_not_fit_is_counted():
    budget = Budget(6)
    assert [each.caption for each in budget.take([PICTURE, OTHER])] == ["2 mm"]
    assert budget.left_out == 1


def test_it_says_whose_data_they_are():
    assert "shows no pictures, names or ids" in items(a_seen(private=True, hidden=True)).body
    assert "do not pass it on" in items(a_seen(private=True)).body


def test_without_data_there_is_no_section():
    assert items(None) is None


def test_what_the_method_did_stands_side_by_side():
    work = (("hidden", (OTHER,)), ("reconstructed", (PICTURE,)), ("true", (PICTURE,)))
    full = {3: Found(None, (PICTURE,), work=work, note="but for its mean")}
    text = Checked(items(a_seen(full=full)).body).text
    assert "What the method does with it hidden other reconstructed 2 mm true 2 mm" in text
    assert "but for its mean" in text
