import pytest

pytest.importorskip("rdkit")

from unlabeled_graph.readers.pictures import previews_of


def test_a_molecule_is_drawn():
    [shown] = previews_of("c1ccccc1O")
    assert shown.format == "svg"
    assert b"<svg" in shown.content
    assert b"<script" not in shown.content
    assert shown.caption == "7 atoms, 7 bonds"


def test_what_is_too_large_or_no_molecule_is_not():
    assert previews_of("C" * 400) == []
    assert previews_of("no molecule") == []
