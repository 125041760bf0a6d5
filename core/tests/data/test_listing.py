"""Which files are taken, and that the rest is accounted for."""

import os
from pathlib import Path

import pytest

from unlabeled.data.listing import FileRules, Listing, list_files
from unlabeled.errors import DataError, RecipeError, UnreadableItem

ENDINGS = (".wav", ".nii.gz")


def folder(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    return root


def taken(listing: Listing) -> list[str]:
    return [file.name for file in listing.files]


def told(listing: Listing) -> list[str]:
    return [str(each) for each in listing.left_out]


def test_every_file_is_taken_or_counted_with_its_reason(tmp_path):
    data = folder(
        tmp_path / "data", "a.WAV", "b.nii.gz", "c.m4a", "d.M4A", "e.sdf", "README", ".f.wav",
        "g/h.wav", "skip/i.wav",
    )  # fmt: skip
    folder(tmp_path / "far", "j.wav")
    (data / "k").symlink_to("../far")
    (data / "l").symlink_to("g")
    (data / "m.wav").symlink_to("nothing")
    (data / "n.txt").symlink_to("nothing")
    (data / os.fsdecode(b"\xe9.wav")).touch()
    found = list_files(data, FileRules(exclude=("skip",)), ENDINGS)
    assert taken(found) == ["a.WAV", "b.nii.gz", "g/h.wav", "k/j.wav"]
    assert told(found) == [
        "4 of a format that this reader does not read: 2 .m4a, 1 without an ending, 1 .sdf",
        "1 by exclude skip",
        "1 hidden, as their names begin with a dot",
        "1 links to folders that are read already",
        "1 that are not regular files: 1 a link to nothing",
    ]
    assert [(bad.source, bad.found) for bad in found.quarantined] == [
        (rf"{data}/\xe9.wav", "a name that is not UTF-8"),
        (f"{data}/m.wav", "a link to nothing"),
    ]


def test_include_and_exclude(tmp_path):
    data = folder(tmp_path, "a/1.wav", "a/2.wav", "b/1.wav")
    found = list_files(data, FileRules(include=("a/*",), exclude=("2.*",)), ENDINGS)
    assert taken(found) == ["a/1.wav"]
    assert told(found) == ["1 by exclude 2.*", "1 by include"]


def test_a_pattern_names_fields_and_the_group(tmp_path):
    data = folder(tmp_path, "anna_1.wav", "anna_2.wav", "noise.wav")
    rules = FileRules(pattern="{speaker}_{take}.wav", group="speaker")
    found = list_files(data, rules, ENDINGS)
    assert [(file.group, file.fields) for file in found.files] == [
        ("anna", {"take": "1"}),
        ("anna", {"take": "2"}),
    ]
    assert told(found) == ["1 by the pattern {speaker}_{take}.wav"]


def test_a_group_that_is_no_field_is_refused(tmp_path):
    with pytest.raises(RecipeError, match=r"write it there as \{speaker\}"):
        list_files(folder(tmp_path, "a.wav"), FileRules(group="speaker"), ENDINGS)


def test_a_field_called_group_is_the_group(tmp_path):
    rules = FileRules(pattern="{group}_{take}.wav")
    (file,) = list_files(folder(tmp_path, "anna_1.wav"), rules, ENDINGS).files
    assert (file.group, file.fields) == ("anna", {"take": "1"})


def test_a_field_never_takes_the_place_of_a_column_of_the_reader(tmp_path):
    rules = FileRules(pattern="{size}_{take}.wav")
    (file,) = list_files(folder(tmp_path, "3_1.wav"), rules, ENDINGS).files
    assert file.row({"id": "a"}) == {"id": "a", "size": "3", "take": "1"}
    with pytest.raises(DataError, match=r"3_1\.wav: the names size are the reader's own; rename"):
        file.row({"id": "a", "size": 1})


def test_files_without_a_known_ending_may_look_right(tmp_path):
    data = folder(tmp_path, "IM0001", "README")
    os.mkfifo(tmp_path / "IM0002")
    found = list_files(data, FileRules(), ENDINGS, lambda file: file.path.name.startswith("IM"))
    assert taken(found) == ["IM0001"]
    assert "1 that are not regular files: 1 a FIFO" in told(found)


def test_a_file_by_itself_is_taken_whatever_its_ending(tmp_path):
    file = folder(tmp_path, "a.dat") / "a.dat"
    assert taken(list_files(file, FileRules(), ENDINGS)) == ["a.dat"]


def test_nothing_there_and_nothing_usable(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        list_files(tmp_path / "nowhere", FileRules(), ENDINGS)
    found = list_files(folder(tmp_path, "a.m4a"), FileRules(), ENDINGS)
    found.quarantine(UnreadableItem("b.wav", "a sound file", "an empty file"))
    with pytest.raises(DataError, match=r"no sound file that can be used(.|\n)*b.wav(.|\n)*.m4a"):
        found.items({"id": [], "source": [], "size": []}, of="sound file")


def test_a_folder_whose_name_is_not_utf_8_is_refused(tmp_path):
    data = folder(tmp_path / os.fsdecode(b"d\xe9"), "a.wav")
    with pytest.raises(DataError, match=r"d\\xe9: expected a path that is UTF-8"):
        list_files(data, FileRules(), ENDINGS)


def test_items_say_what_was_read_and_what_not(tmp_path):
    found = list_files(folder(tmp_path, "a.wav", "b.m4a", "c.wav"), FileRules(), ENDINGS)
    found.leave_out("that look like label maps", count=2)
    found.quarantine(UnreadableItem("c.wav", "a sound file", "an empty file"))
    sources = [str(tmp_path / "a.wav")]
    items = found.items({"id": ["a.wav"], "source": sources, "size": [1]}, of="sound file")
    assert items.account() == [
        "1 item read, 4 files left out:",
        "  1 that cannot be used; the first is c.wav: expected a sound file, found an empty file",
        "  2 that look like label maps",
        "  1 of a format that this reader does not read: 1 .m4a",
    ]
    assert items.account(names=False)[1] == "  1 that cannot be used"
    assert items[0].signature


def test_a_manifest_lists_the_files_with_their_groups(tmp_path):
    data = folder(tmp_path, "a.wav", "b.wav", "sub/c.wav", "d.wav", "e.m4a")
    (data / "list.csv").write_text(
        "path,site\na.wav,north\n./sub/c.wav,south\nb.wav,\ngone.wav,x\n"
    )
    found = list_files(data, FileRules(manifest="list.csv", group="site"), ENDINGS)
    assert [(file.name, file.group) for file in found.files] == [
        ("a.wav", "north"),
        ("b.wav", ""),
        ("sub/c.wav", "south"),
    ]
    assert told(found) == ["2 that list.csv does not list"]
    [gone] = found.quarantined
    assert gone.found == "no gone.wav"
    assert "list.csv" in gone.source
    assert "row 5" in gone.source


def test_the_other_rules_hold_for_what_a_manifest_lists(tmp_path):
    data = folder(tmp_path, "a_1.wav", "b_2.wav", "c.wav")
    (data / "list.csv").write_text("path\na_1.wav\nb_2.wav\nc.wav\n")
    rules = FileRules(manifest="list.csv", exclude=("b*",), pattern="{bird}_{n}.wav", group="bird")
    found = list_files(data, rules, ENDINGS)
    assert [(file.name, file.group) for file in found.files] == [("a_1.wav", "a")]
    assert sorted(told(found)) == ["1 by exclude b*", "1 by the pattern {bird}_{n}.wav"]


@pytest.mark.parametrize("text", ["file\na.wav\n", "path\na.wav\n"])
def test_a_manifest_without_its_columns_is_refused(tmp_path, text):
    data = folder(tmp_path, "a.wav")
    (data / "list.csv").write_text(text)
    with pytest.raises(DataError, match=r"list\.csv"):
        list_files(data, FileRules(manifest="list.csv", group="site"), ENDINGS)
