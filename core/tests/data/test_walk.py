"""Every file once, whatever links there are; nothing is opened."""

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlabeled.data.walk import File, walk


def names(root: Path) -> list[str]:
    return [file.name for file in walk(root).files if not file.problem]


def problems(root: Path) -> dict[str, str]:
    return {file.name: file.problem for file in walk(root).files if file.problem}


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    return path


def test_names_are_relative_in_the_order_of_their_parts(tmp_path):
    for name in ("b.wav", "a-b/c.wav", "a/d.wav", "a/B.wav"):
        put(tmp_path / name)
    assert names(tmp_path) == ["a/B.wav", "a/d.wav", "a-b/c.wav", "b.wav"]


def test_a_file_is_walked_as_itself(tmp_path):
    assert walk(put(tmp_path / "a.wav")).files == [File("a.wav", str(tmp_path / "a.wav"))]


def test_a_linked_folder_is_followed_once_and_under_its_real_name_where_it_has_one(tmp_path):
    put(tmp_path / "far" / "1.wav")
    put(tmp_path / "data" / "z" / "2.wav")
    (tmp_path / "data" / "a").symlink_to("z")
    (tmp_path / "data" / "b").symlink_to("../far")
    (tmp_path / "data" / "c").symlink_to("../far")
    assert names(tmp_path / "data") == ["b/1.wav", "z/2.wav"]
    assert walk(tmp_path / "data").repeated == ["a", "c"]


def test_a_loop_ends(tmp_path):
    put(tmp_path / "data" / "in" / "1.wav")
    put(tmp_path / "beside.wav")
    (tmp_path / "data" / "in" / "self").symlink_to(".")
    (tmp_path / "data" / "in" / "above").symlink_to("../..")
    assert names(tmp_path / "data") == ["in/1.wav", "in/above/beside.wav"]
    assert walk(tmp_path / "data").repeated == ["in/above/data", "in/self"]


def test_links_to_files_are_files_and_links_to_nothing_are_named(tmp_path):
    put(tmp_path / "a.wav")
    (tmp_path / "b.wav").symlink_to("a.wav")
    (tmp_path / "gone.wav").symlink_to("nowhere")
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    assert names(tmp_path) == ["a.wav", "b.wav"]
    assert problems(tmp_path)["gone.wav"] == "a link to nothing"
    assert problems(tmp_path)["loop.wav"].startswith("a link that cannot be followed")


def test_what_is_no_file_is_named_and_does_not_block(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.wav")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s.wav")
        (tmp_path / "null.wav").symlink_to("/dev/null")
        found = problems(tmp_path)
    assert found == {"pipe.wav": "a FIFO", "s.wav": "a socket", "null.wav": "a device"}
    assert walk(tmp_path / "pipe.wav").files[0].problem == "a FIFO"


def test_a_name_that_is_not_utf_8_is_printable_and_named(tmp_path):
    put(tmp_path / "é.wav")
    (tmp_path / os.fsdecode(b"caf\xe9.wav")).write_text("x")
    put(tmp_path / os.fsdecode(b"dir\xe9") / "a.wav")
    assert names(tmp_path) == ["é.wav"]
    wrong = "a name that is not UTF-8"
    assert problems(tmp_path) == {r"caf\xe9.wav": wrong, r"dir\xe9/a.wav": wrong}


def test_hidden_files_and_folders_are_listed_and_not_entered(tmp_path):
    put(tmp_path / "a.wav")
    put(tmp_path / "._a.wav")
    put(tmp_path / ".git" / "x" / "b.wav")
    assert names(tmp_path) == ["a.wav"]
    assert walk(tmp_path).hidden == ["._a.wav", ".git"]


def test_the_folder_of_a_run_among_the_data_is_not_entered(tmp_path):
    run = tmp_path / "runs" / "a"
    (run / "evaluation").mkdir(parents=True)
    for name in ("manifest.json", "recipe.yaml", "evaluation/x.csv"):
        (run / name).write_text("")
    (tmp_path / "recipe.yaml").write_text("")
    found = walk(tmp_path)
    assert ([file.name for file in found.files], found.runs) == (["recipe.yaml"], ["runs/a"])
    assert len(walk(run).files) == 3  # asked for by itself


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open every folder")
def test_a_closed_folder_is_named(tmp_path):
    put(tmp_path / "locked" / "a.wav")
    (tmp_path / "locked").chmod(0)
    (closed,) = walk(tmp_path).closed
    (tmp_path / "locked").chmod(0o700)
    assert (closed.name, closed.problem) == ("locked", "Permission denied")


@pytest.mark.parametrize(
    ("name", "ending"),
    [("a.WAV", ".wav"), ("a/b.nii.gz", ".nii.gz"), ("v1.2/README", ""), ("a.gz", ".gz")],
)
def test_the_ending_of_a_name(name, ending):
    assert File(name, name).ending == ending


FOLDERS = st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), max_size=6)
LINKS = st.lists(st.tuples(st.integers(0, 20), st.sampled_from("xyz"), st.integers(0, 20)))


@settings(max_examples=60, deadline=None)
@given(FOLDERS, LINKS)
def test_any_tree_with_any_links_gives_every_folder_once(tmp_path_factory, folders, links):
    root = tmp_path_factory.mktemp("tree")
    for parts in folders:
        root.joinpath(*parts).mkdir(parents=True, exist_ok=True)
    places = sorted(path for path in (root, *root.rglob("*")) if path.is_dir())
    for number, place in enumerate(places):
        (place / f"{number}.wav").touch()
    for start, name, end in links:
        link = places[start % len(places)] / name
        if not link.is_symlink():
            link.symlink_to(places[end % len(places)])
    made = {link for place in places for link in place.iterdir() if link.is_symlink()}
    found = walk(root)
    # All folders are real and below the root, so no link adds a file, and each is accounted for.
    assert [file.path for file in found.files] == [file.path for file in walk(root).files]
    assert {file.path for file in found.files} == {p / f"{n}.wav" for n, p in enumerate(places)}
    assert len(found.files) == len(places)
    assert {root / name for name in found.repeated} == made
