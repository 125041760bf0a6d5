"""Open only local files: no addresses, and no files that refer to one.

GDAL opens addresses and descriptions of remote rasters as readily as files, so that a data folder
or a manifest from elsewhere could make connections. All of it is refused before GDAL sees it.
"""

from __future__ import annotations

import re
from pathlib import Path

from unlabeled.errors import UnreadableItem
from unlabeled_remote_sensing.readers.xml import local_name, read_xml

ADDRESS = re.compile(r"/vsi\w*/|[A-Za-z][A-Za-z0-9+.-]*://|(WMS|WMTS|WCS|EEDAI?|DAAS|PLMOSAIC):")
SUBDATASET = re.compile(r'(NETCDF|HDF4_SDS|HDF5|GTIFF_DIR:\d+|GTIFF_RAW):"?([^":]+)"?.*')
TEXT_ONLY = {"SRS", "Metadata", "GCPList", "Description"}
"""Elements of a VRT whose text may hold addresses that nobody opens."""
DEEPEST = 8
EXPECTED = "a raster file on this machine"


def place_below(folder: Path, name: str) -> str:
    """Where `name`, of a listing or a manifest, is; addresses stay as they are, to be refused."""
    return name if ADDRESS.search(name) else str(folder / name)


def require_local(path: str, depth: int = 0) -> None:
    """Raises UnreadableItem for an address, and for a file that refers to one."""
    if ADDRESS.search(path):
        raise UnreadableItem(path, EXPECTED, "a remote address; download it first")
    if not Path(path).is_file():
        raise UnreadableItem(path, EXPECTED, "no file")
    try:
        with Path(path).open("rb") as file:
            start = file.read(512).lstrip(b"\xef\xbb\xbf \t\r\n")
    except OSError as error:
        raise UnreadableItem(path, EXPECTED, error.strerror or str(error)) from error
    if start[:1] == b"{":
        raise UnreadableItem(path, EXPECTED, "JSON, which may point to remote addresses")
    if start[:1] == b"<":
        _check_vrt(Path(path), depth)


def _check_vrt(path: Path, depth: int) -> None:
    root = read_xml(path)
    if local_name(root) != "VRTDataset":
        found = f"XML of the kind {local_name(root)}, which may point to remote addresses"
        raise UnreadableItem(str(path), EXPECTED, found)
    if depth == DEEPEST:
        raise UnreadableItem(str(path), f"a VRT of at most {DEEPEST} levels", "more of them")
    pending = [root]
    while pending:
        element = pending.pop()
        pending += [child for child in element if local_name(child) not in TEXT_ONLY]
        text = (element.text or "").strip()
        if local_name(element) in ("SourceFilename", "SourceDataset"):
            _check_source(path, text, element.get("relativeToVRT") == "1", depth)
        elif ADDRESS.search(" ".join([text, *element.attrib.values()])):
            raise UnreadableItem(str(path), "a VRT of local files", f"the address {text[:200]!r}")


def _check_source(vrt: Path, name: str, relative: bool, depth: int) -> None:
    if ADDRESS.search(name):
        raise UnreadableItem(str(vrt), "a VRT of local files", f"the address {name[:200]!r}")
    within = SUBDATASET.fullmatch(name)
    file = within.group(2) if within else name
    require_local(str(vrt.parent / file) if relative else file, depth + 1)
