"""By which words a group is recognised in lists and texts."""

from pathlib import Path

from unlabeled.inference.person import Person, absolute

SOMEBODY = Person(
    frozenset({"P01", "7"}),
    frozenset({"scan3.nii"}),
    signatures=frozenset({"10.5.6.aa", "20.7.8."}),
)


def test_a_word_is_not_found_inside_another():
    assert SOMEBODY.mentioned("left out: data/P01/x.nii")
    assert not SOMEBODY.mentioned("P010, XP01")
    assert SOMEBODY.mentioned('"scan3.nii"')
    assert not SOMEBODY.mentioned("7 items"), "a digit stands in any text"


def test_a_file_is_theirs_by_content_or_by_size_and_times():
    assert SOMEBODY.owns("10.5.6.aa")
    assert SOMEBODY.owns("10.9.9.aa"), "copied"
    assert SOMEBODY.owns("20.7.8.bb"), "hashed since"
    assert not SOMEBODY.owns("10.5.7.cc")
    assert not SOMEBODY.owns("30.1.1."), "nothing is known of the content"


def test_an_item_without_a_group_is_called_by_its_name():
    assert SOMEBODY.labelled == {"P01", "7", "item scan3.nii"}


def test_sources_are_found_from_any_folder():
    root = Path("/data/me/d")
    assert absolute("d/P1/x.nii", root) == "/data/me/d/P1/x.nii"
    assert absolute("me/d/x.nii", root) == "/data/me/d/x.nii"
    assert absolute("/data/me/d/x.nii", root) == "/data/me/d/x.nii"
    assert absolute('d/series\n["1.dcm"]', root) == '/data/me/d/series\n["1.dcm"]'
    assert absolute("P1/x.nii", root) == "/data/me/d/P1/x.nii", "the data were called ."
    assert absolute("d/x.nii", None) == "d/x.nii"
    assert absolute("/elsewhere/x.nii", root) == "/elsewhere/x.nii"
