import pytest

from unlabeled.errors import UnreadableItem
from unlabeled_remote_sensing.readers import xml
from unlabeled_remote_sensing.readers.xml import local_name, read_xml

BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><x>&a;</x>'


def write(folder, text, encoding="utf-8"):
    path = folder / "x.xml"
    path.write_bytes(text.encode(encoding))
    return path


def test_elements_text_and_namespaces(tmp_path):
    root = read_xml(write(tmp_path, '<n1:a xmlns:n1="u"><b k="1">two</b></n1:a>'))
    assert local_name(root) == "a"
    assert (root[0].get("k"), root[0].text) == ("1", "two")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("text", [BOMB, OUTSIDE])
def test_document_types_are_refused(text, encoding, tmp_path):
    with pytest.raises(UnreadableItem, match="the document type x"):
        read_xml(write(tmp_path, text, encoding))


def test_what_is_no_xml_or_too_large_is_refused(tmp_path, monkeypatch):
    with pytest.raises(UnreadableItem, match="expected XML"):
        read_xml(write(tmp_path, "<a><b></a>"))
    with pytest.raises(UnreadableItem, match="expected an XML file"):
        read_xml(tmp_path / "none.xml")
    monkeypatch.setattr(xml, "LARGEST", 4)
    with pytest.raises(UnreadableItem, match="a larger file"):
        read_xml(write(tmp_path, "<a></a>"))
