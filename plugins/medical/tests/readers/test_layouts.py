import os

import pytest
from PIL import Image

from unlabeled.data.listing import FileRules
from unlabeled.errors import DataError
from unlabeled_medical.readers.entries import Choosing
from unlabeled_medical.readers.layouts import find

TRAINING = Choosing()


def choosing(**rules):
    return Choosing(FileRules(**rules))


def account(found):
    """What is left out, as people are told."""
    return [str(each) for each in found.listing.left_out]


def problems(found):
    return [(q.source.rpartition("/")[2], q.found) for q in found.listing.quarantined]


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def test_label_maps_are_left_out_with_a_line_and_come_in_by_name(tmp_path):
    touch(tmp_path, "a/t1.nii", "a/t1_seg.nii", "a/notes.txt", ".trash/b.nii")
    found = find(tmp_path, TRAINING)
    assert [entry.id for entry in found.entries] == ["a/t1.nii"]
    assert account(found) == [
        "1 hidden, as their names begin with a dot",
        "1 of a format that this reader does not read: 1 .txt",
        "1 that look like label maps (the reader's include brings them in)",
    ]
    named = find(tmp_path, choosing(include=("*_seg.nii",)))
    assert [entry.id for entry in named.entries] == ["a/t1_seg.nii"]


def test_exclude_wins_over_include(tmp_path):
    touch(tmp_path, "a.nii", "b.nii")
    found = find(tmp_path, choosing(include=("*.nii",), exclude=("b*",)))
    assert [entry.id for entry in found.entries] == ["a.nii"]


def test_a_path_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        find(tmp_path / "nowhere", TRAINING)


def test_one_file_is_enough(tmp_path):
    Image.new("L", (4, 3)).save(tmp_path / "x.png")
    (entry,) = find(tmp_path / "x.png", TRAINING).entries
    assert (entry.id, entry.format) == ("x.png", "image")


def test_voxels_without_their_header_are_counted_and_others_go_with_it(tmp_path):
    touch(tmp_path, "a.hdr", "a.img", "b.img.gz", "c.mhd", "d.zraw", "e/f.raw", "g/x.REC")
    (tmp_path / "c.mhd").write_text("NDims = 3\nElementDataFile = d.zraw\n")
    found = find(tmp_path, TRAINING)
    assert [[file.name for file in entry.channels[0]] for entry in found.entries] == [
        ["a.hdr", "a.img"],
        ["c.mhd", "d.zraw"],
    ]
    kinds = "1 .gz without its header, 1 .raw without its header, 1 .rec without its header"
    assert account(found) == [f"3 of a format that this reader does not read: {kinds}"]


def test_links_loops_fifos_and_foreign_formats_are_accounted_for(tmp_path):
    touch(tmp_path / "far", "x.NII.GZ", "y.nii")
    touch(tmp_path / "here", "a.nii", "b.m4a", "c.nii/d.nii")
    os.mkfifo(tmp_path / "here/pipe.nii")
    (tmp_path / "here/link").symlink_to(tmp_path / "far")
    (tmp_path / "here/loop").symlink_to(tmp_path / "here")
    (tmp_path / "here/gone.nii").symlink_to(tmp_path / "nowhere")
    (tmp_path / "here" / os.fsdecode(b"m\xfcller.nii")).write_bytes(b"")
    found = find(tmp_path / "here", TRAINING)
    assert [e.id for e in found.entries] == ["a.nii", "c.nii/d.nii", "link/x.NII.GZ", "link/y.nii"]
    assert dict(problems(found)) == {
        "gone.nii": "a link to nothing",
        "pipe.nii": "a FIFO",
        "m\\xfcller.nii": "a name that is not UTF-8",
    }
    assert account(found) == [
        "1 links to folders that are read already",
        "1 of a format that this reader does not read: 1 .m4a",
    ]


def test_one_file_of_another_kind_is_named(tmp_path):
    touch(tmp_path, "notes.txt")
    assert problems(find(tmp_path / "notes.txt", TRAINING)) == [
        ("notes.txt", "another kind of file")
    ]
