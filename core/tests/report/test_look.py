import numpy as np
import pytest
import toy_runs

from unlabeled.augmentations.views import ViewSettings
from unlabeled.contract import Preview, ShowsWork, Work
from unlabeled.contract.preview import LARGEST_PREVIEW
from unlabeled.recipe import build_reader, read_choice
from unlabeled.report import look as room
from unlabeled.report.look import EACH, Embed, Show, small
from unlabeled.training.pretrain import pretrain


@pytest.fixture
def data(vectors, tmp_path):
    return toy_runs.write_data(tmp_path / "data")


def reader(name="vectors/shown"):
    return build_reader(read_choice("readers", {"name": name}, "here"))


def test_an_item_is_shown_and_so_are_two_views_of_it(data):
    items = reader().index(data)
    views = [ViewSettings(count=3, steps=({"name": "vectors/jitter"},))]
    show = Show(reader(), items, views, frozenset([1]))
    first, second = show(0), show(1)
    assert first.previews[0].caption.endswith("vectors")
    assert first.views == ()
    assert len(second.views) == 2
    assert second.views[0] != second.views[1]
    assert show(1) == second


def test_an_embedding_is_that_of_the_encoder(data, tmp_path):
    run = pretrain(toy_runs.recipe(steps=2), data, tmp_path / "run", quiet=True).path
    from unlabeled.inference.embed import embed
    from unlabeled.inference.table import read_embeddings

    embed(run, data, tmp_path / "x.parquet")
    rows = read_embeddings(tmp_path / "x.parquet")["vector"].to_pylist()
    found = Embed(reader(), reader().index(data), run, "pooled")
    for row in (0, 5):
        assert found(row).vector == pytest.approx(np.array(rows[row]), rel=1e-5)


def test_what_is_too_large_or_too_many_is_left_out():
    large = Preview(b"x" * (LARGEST_PREVIEW + 1), "png", "large")
    fine = Preview(b"x", "png", "fine")
    assert small([large, fine]) == (fine,)
    assert len(small([fine] * 9)) == EACH


class Worker(ShowsWork):
    """Shows what it was given, twice."""

    def show_work(self, item, sample, draw, reader):
        shown = reader.previews(item, sample * draw.rng("mask").random())
        return Work((("seen", shown), ("found", shown * 9)), note=item.id)


def test_a_method_shows_its_work_of_the_items_that_are_seen_twice(data, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "load_method", lambda path: Worker())
    items = reader().index(data)
    show = Show(reader(), items, (), frozenset([1]), tmp_path)
    assert show(0).work == ()
    (seen, one), (found, several) = show(1).work
    assert (seen, found, len(one), len(several)) == ("seen", "found", 1, EACH)
    assert show(1).note == items[1].id
    assert show(1) == show(1)


def test_a_method_that_shows_nothing_is_left_alone(data, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "load_method", lambda path: object())
    show = Show(reader(), reader().index(data), (), frozenset([1]), tmp_path)
    assert show(1).work == ()
