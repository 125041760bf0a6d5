"""Every source has its test file at the mirrored path; the list of exceptions only shrinks."""

from pathlib import Path

from mirrors import listed, mirror_of, unmirrored


def test_where_the_mirror_is():
    source = Path("/tree/core/src/unlabeled/data/items.py")
    assert mirror_of(source) == Path("/tree/core/tests/data/test_items.py")


def test_every_source_has_its_test_file_or_stands_in_the_list():
    new = sorted(unmirrored() - listed().keys())
    assert not new, "write a test file at the mirrored path"


def test_what_has_its_test_file_leaves_the_list():
    assert not sorted(listed().keys() - unmirrored()), "run python tests/mirrors.py"


def test_every_exception_says_what_stands_in():
    assert not [source for source, reason in listed().items() if not reason.strip()]
