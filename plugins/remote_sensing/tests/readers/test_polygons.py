import json

import numpy as np
import pytest
from rasterio.warp import transform_geom

from unlabeled.errors import DataError
from unlabeled_remote_sensing.raster import Layer, Raster
from unlabeled_remote_sensing.readers.grids import Grid, crs_of
from unlabeled_remote_sensing.readers.polygons import rasterised, read_polygons

CRS = crs_of("").from_epsg(32633).to_wkt()
SCENE = Raster(
    {"x": Layer(np.zeros((1, 8, 8), np.float32), np.ones((8, 8), bool))},
    (10.0, 0.0, 600_000.0, 0.0, -10.0, 5_000_000.0),
    CRS,
)


def box(west, south, east, north):
    """In pixels of the scene, from its upper left corner, downwards."""
    x, y = [600_000 + 10 * each for each in (west, east)], [5e6 - 10 * e for e in (south, north)]
    corners = [(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1]), (x[0], y[0])]
    return {"type": "Polygon", "coordinates": [corners]}


def write(path, shapes, crs="EPSG:32633", name="cover"):
    features = [
        {"type": "Feature", "geometry": shape, "properties": {name: value}}
        for shape, value in shapes
    ]
    read = {"type": "FeatureCollection", "features": features}
    if crs:
        read["crs"] = {"type": "name", "properties": {"name": crs}}
    path.write_text(json.dumps(read))
    return path


def laid(path, *, outside=0, all_touched=False, column=None):
    polygons = read_polygons(path, column)
    names = {name: n for n, name in enumerate(sorted(filter(None, set(polygons.classes))), 1)}
    return rasterised(polygons, names, SCENE, outside=outside, all_touched=all_touched)


def test_polygons_lie_on_the_pixels_that_they_cover(tmp_path):
    path = write(tmp_path / "p.geojson", [(box(0, 0, 3, 2), "field"), (box(4, 4, 8, 8), "lake")])
    found, twice = laid(path)
    expected = np.zeros((8, 8), int)
    expected[:2, :3], expected[4:, 4:] = 1, 2
    np.testing.assert_array_equal(found, expected)
    assert twice == 0
    np.testing.assert_array_equal(laid(path, outside=-1)[0], np.where(expected, expected, -1))


def test_touched_pixels_count_only_if_asked(tmp_path):
    path = write(tmp_path / "p.geojson", [(box(1.2, 1.2, 3.4, 2.4), "field")])
    assert (laid(path)[0] == 1).sum() == 2
    assert (laid(path, all_touched=True)[0] == 1).sum() == 6


def test_another_crs_is_projected(tmp_path):
    shape = box(2, 1, 6, 5)
    degrees = transform_geom("EPSG:32633", "EPSG:4326", shape)
    own = laid(write(tmp_path / "own.geojson", [(shape, "field")]))[0]
    # RFC 7946: longitude and latitude where the file says nothing.
    moved = laid(write(tmp_path / "moved.geojson", [(degrees, "field")], crs=None))[0]
    np.testing.assert_array_equal(moved, own)
    assert (own == 1).sum() == 16


def test_two_classes_of_one_pixel_and_polygons_without_one_are_unknown(tmp_path):
    shapes = [(box(0, 0, 4, 4), "a"), (box(2, 0, 6, 4), "b"), (box(0, 6, 8, 8), None)]
    path = write(tmp_path / "p.geojson", shapes)
    found, twice = laid(path)
    assert twice == 8
    assert (found[:4, 2:4] == -1).all()
    assert (found[6:] == -1).all()
    assert (found == 1).sum() == (found == 2).sum() == 8
    assert read_polygons(path, None).notes == (
        "1 of 3 polygons have no cover: their pixels are not labelled.",
    )


def test_what_is_no_polygon_is_counted(tmp_path):
    point = {"type": "Point", "coordinates": [600_000, 5e6]}
    path = write(tmp_path / "p.geojson", [(box(0, 0, 2, 2), "a"), (point, "a")])
    assert read_polygons(path, None).notes == ("1 of 2 features are no polygons and are left out.",)
    with pytest.raises(DataError, match="expected polygons, found 1 features without one"):
        read_polygons(write(tmp_path / "q.geojson", [(point, "a")]), None)


def test_the_column_of_classes_is_named_or_the_only_one(tmp_path):
    path = write(tmp_path / "p.geojson", [(box(0, 0, 2, 2), "a")])
    assert read_polygons(path, "cover").column == "cover"
    with pytest.raises(DataError, match="expected a column 'kind', found cover"):
        read_polygons(path, "kind")
    (tmp_path / "bad.geojson").write_text("{")
    with pytest.raises(DataError, match=r"bad\.geojson: expected GeoJSON"):
        read_polygons(tmp_path / "bad.geojson", None)


def test_polygons_elsewhere_are_not_near(tmp_path):
    polygons = read_polygons(write(tmp_path / "p.geojson", [(box(20, 20, 30, 30), "a")]), None)
    assert not polygons.near(Grid(8, 8, SCENE.transform, CRS)).any()
    assert polygons.near(Grid(25, 25, SCENE.transform, CRS)).all()
    with pytest.raises(DataError, match="a scene has no CRS"):
        polygons.near(Grid(8, 8, SCENE.transform, ""))
