from reported import Checked

from unlabeled.report.previews import Previewed, Shown
from unlabeled.report.sections.items import items


def test_a_sound_has_a_player_and_a_picture_its_caption():
    sound = Shown("a", "1 s", "data:audio/wav;base64,AA", sound=True)
    picture = Shown("b", "2 mm", "data:image/png;base64,AA", sound=False)
    found = Checked(items(Previewed([sound, picture])).body)
    assert {"audio", "img"} <= set(found.tags)
    assert "2 mm" in found.text


def test_without_data_there_is_no_section():
    assert items(Previewed()) is None
