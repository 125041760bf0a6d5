import sqlite3
import struct

import pytest
from rasterio.crs import CRS

from unlabeled.errors import DataError
from unlabeled_remote_sensing.readers.geopackage import read_geopackage

SQUARE = ((0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 0.0))
HOLE = ((1.0, 1.0), (2.0, 1.0), (2.0, 2.0), (1.0, 1.0))


def polygon(rings, order="<", extra=(), code=3):
    """Well-known binary; extra: values behind x and y of each point."""
    found = struct.pack(f"{order}BII", order == "<", code, len(rings))
    for ring in rings:
        found += struct.pack(f"{order}I", len(ring))
        for point in ring:
            found += struct.pack(f"{order}{2 + len(extra)}d", *point, *extra)
    return found


def header(envelope=0, size=0):
    return b"GP" + bytes([0, 1 | envelope << 1]) + struct.pack("<i", 32633) + bytes(size)


def write(path, rows, layers=("fields",)):
    """rows: (geometry, class)."""
    file = sqlite3.connect(path)
    file.execute(
        "CREATE TABLE gpkg_spatial_ref_sys "
        "(srs_id, organization, organization_coordsys_id, definition)"
    )
    file.execute("INSERT INTO gpkg_spatial_ref_sys VALUES (32633, 'EPSG', 32633, '')")
    file.execute("CREATE TABLE gpkg_geometry_columns (table_name, column_name, srs_id)")
    for layer in layers:
        file.execute("INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', 32633)", (layer,))
        layer = layer.replace('"', '""')
        file.execute(f'CREATE TABLE "{layer}" (fid INTEGER, geom BLOB, cover TEXT)')
        for number, (geometry, cover) in enumerate(rows):
            file.execute(f'INSERT INTO "{layer}" VALUES (?, ?, ?)', (number, geometry, cover))
    file.commit()
    file.close()
    return path


def test_polygons_in_every_form_of_the_binary(tmp_path):
    many = struct.pack("<BII", 1, 6, 2) + polygon([SQUARE]) + polygon([SQUARE, HOLE], ">")
    rows = [
        (header() + polygon([SQUARE, HOLE]), "a"),
        (header(1, 32) + polygon([SQUARE], ">"), "b"),
        (header() + polygon([SQUARE], extra=(7.0,), code=1003), "c"),
        (header() + polygon([SQUARE], extra=(7.0, 8.0), code=3 | 0xC0000000), "d"),
        (header(2, 48) + many, None),
        (header() + struct.pack("<BIdd", 1, 1, 3.0, 4.0), "point"),
        (None, "none"),
    ]
    features, crs = read_geopackage(write(tmp_path / "a b.gpkg", rows, layers=('my "fields"',)))
    assert crs == CRS.from_epsg(32633)
    found = [each["geometry"] for each in features]
    assert found[0] == {"type": "Polygon", "coordinates": [list(SQUARE), list(HOLE)]}
    for each in found[1:4]:
        assert each == {"type": "Polygon", "coordinates": [list(SQUARE)]}
    assert found[4] == {
        "type": "MultiPolygon",
        "coordinates": [[list(SQUARE)], [list(SQUARE), list(HOLE)]],
    }
    assert found[5]["type"] == "geometry 1"
    assert found[6] is None
    assert features[0]["properties"] == {"fid": 0, "cover": "a"}


def test_what_is_no_geopackage_of_one_layer_is_named(tmp_path):
    two = write(tmp_path / "two.gpkg", [], layers=("fields", "roads"))
    with pytest.raises(DataError, match="one layer of features, found fields, roads"):
        read_geopackage(two)
    (tmp_path / "text.gpkg").write_text("no database at all, whatever the name says" * 20)
    with pytest.raises(DataError, match=r"text\.gpkg: expected a GeoPackage"):
        read_geopackage(tmp_path / "text.gpkg")
    cut = write(tmp_path / "cut.gpkg", [(header() + polygon([SQUARE])[:20], "a")])
    with pytest.raises(DataError, match="expected a GeoPackage"):
        read_geopackage(cut)
