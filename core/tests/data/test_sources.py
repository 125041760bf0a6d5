"""A source names files, and gives them back."""

from pathlib import Path

import pytest

from unlabeled.data.sources import files_of, source_of


@pytest.mark.parametrize(
    "files",
    [
        ["/data/a.wav"],
        ["/data/a.wav", "/data/b/c.wav"],
        ["/data/a.wav", "/data/é\n[1].wav"],
        ["/data/a.wav", "/data/a.wav"],
    ],
)
def test_there_and_back(files):
    paths = tuple(map(Path, files))
    assert files_of(source_of(paths)) == paths


def test_nested_lists_are_flattened():
    assert files_of('/data\n[["a", "b"], null, ["c/d"]]') == (
        Path("/data/a"),
        Path("/data/b"),
        Path("/data/c/d"),
    )


def test_a_file_may_be_called_like_a_list():
    assert files_of("/data/a\n[b") == (Path("/data/a\n[b"),)
