import base64
from typing import ClassVar

import pytest

from unlabeled.contract import Preview, Previews
from unlabeled.data.items import Items
from unlabeled.errors import UnreadableItem, UsageError
from unlabeled.recipe import Choice
from unlabeled.report import previews as module
from unlabeled.report.previews import previews_of
from unlabeled.settings import Settings


class Silent(Settings):
    count: int = 20

    def index(self, path):
        names = [f"item{n:02d}<b>" for n in range(self.count)]
        return Items.of({"id": names, "source": [""] * len(names), "size": [1] * len(names)})

    def read(self, item, rng=None):
        if item.id.startswith("item03"):
            raise UnreadableItem("item03", "a sound file", "noise")
        return item.id


class Showing(Silent, Previews):
    number: int = 2
    size: int = 3

    def previews(self, item, sample):
        return [Preview(b"x" * self.size, "png", f"{sample} & {n}") for n in range(self.number)]


class Private(Showing):
    private: ClassVar[bool] = True


def of(reader, tmp_path, **named):
    return previews_of(Choice("readers", "toy/items", reader), tmp_path, **named)


def test_a_few_items_from_all_over_the_index(tmp_path):
    made = of(Showing(), tmp_path)
    assert [each.item for each in made.shown] == [
        f"item{n:02d}<b>" for n in (0, 0, 6, 6, 9, 9, 12, 12, 15, 15)
    ][:10]
    kind, content = made.shown[0].uri.split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(content) == b"xxx"
    assert made.notes == ["An item cannot be read: item03: expected a sound file, found noise"]


def test_people_are_shown_only_where_the_user_asks(tmp_path):
    with pytest.raises(UsageError, match="about people, which a report does not show; add --show"):
        of(Private(), tmp_path)
    assert of(Private(), tmp_path, private=True).shown


def test_a_reader_that_shows_nothing_says_so(tmp_path):
    with pytest.raises(UsageError, match="toy/items shows no previews"):
        of(Silent(), tmp_path)


def test_what_is_large_or_too_many_is_left_out_and_counted(tmp_path):
    made = of(Showing(count=1, number=9), tmp_path)
    assert len(made.shown) == 4
    assert made.notes[0].startswith("5 previews of item00<b> are left out")
    assert not of(Showing(count=1, size=1_000_001), tmp_path).shown


def test_time_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SECONDS", -1.0)
    made = of(Showing(), tmp_path)
    assert not made.shown
    assert made.notes == ["6 items not shown: -1 s were over"]
