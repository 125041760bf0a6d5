"""The bundle, run by MONAI itself, beside `unlabeled.embed`."""

import csv
import json
import shutil

import nibabel
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from monai.bundle import ConfigParser, run

import unlabeled
from unlabeled.errors import RunError, ShapeError, UsageError
from unlabeled.recipe import load_recipe
from unlabeled_medical.export.bundle import EncoderNetwork, export_bundle


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run on four volumes, two of which are stored backwards, and where they lie."""
    root = tmp_path_factory.mktemp("bundle")
    (root / "scans").mkdir()
    for number in range(4):
        values = np.random.default_rng(number).normal(300, 50, (14 + number, 12, 10))
        affine = np.diag([-1.0 if number % 2 else 1.0, 1, 2, 1])
        image = nibabel.Nifti1Image(values.astype(np.float32), affine)
        nibabel.save(image, root / "scans" / f"{number}.nii.gz")
    recipe = load_recipe("medical/vicreg", {"training": {"steps": 2, "batch_size": 4}})
    return unlabeled.pretrain(recipe, root / "scans", root / "run", quiet=True), root / "scans"


def test_monai_runs_it_and_finds_the_same_embeddings(trained, tmp_path):
    made, scans = trained
    bundle = export_bundle(made.path, tmp_path / "bundle")
    files = {"meta_file": "metadata.json", "config_file": "inference.json"}
    run(
        **{name: str(bundle / "configs" / file) for name, file in files.items()},
        bundle_root=str(bundle),
        dataset_dir=str(scans),
    )
    with (bundle / "eval" / "embeddings.csv").open() as file:
        header, *rows = csv.reader(file)
    assert header[0] == "image"
    found = np.array([[float(value) for value in row[1:]] for row in rows])
    private = {row["pseudonym"]: row["id"] for row in _rows(made.path / "private" / "items.csv")}
    unlabeled.embed(made.path, scans, tmp_path / "ours.parquet")
    table = pq.read_table(tmp_path / "ours.parquet").to_pylist()
    ours = {private[row["id"]]: row["vector"] for row in table}
    np.testing.assert_allclose(found, [ours[f"{n}.nii.gz"] for n in range(4)], atol=1e-5)


@pytest.mark.parametrize("text", ["$__import__('os').getcwd()", "@imports", "%file.json::x"])
def test_a_run_brings_no_expression_into_a_bundle(trained, tmp_path, text):
    run = shutil.copytree(trained[0].path, tmp_path / "run")
    file = run / "encoder" / "config.json"
    config = json.loads(file.read_text())
    config["reader"]["include"] = [text]
    file.write_text(json.dumps(config))
    with pytest.raises(RunError, match="expression in a MONAI bundle"):
        export_bundle(run, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_its_weights_hold_no_code_and_its_metadata_what_monai_asks_for(trained, tmp_path):
    bundle = export_bundle(trained[0].path, tmp_path / "bundle", output="stages")
    weights = torch.load(bundle / "models" / "model.pt", weights_only=True)
    parser = ConfigParser()
    parser.read_config(str(bundle / "configs" / "inference.json"))
    parser.read_meta(str(bundle / "configs" / "metadata.json"))
    network = parser.get_parsed_content("network_def")
    assert not network.load_state_dict(weights).missing_keys
    width = parser["_meta_"]["network_data_format"]["outputs"]["pred"]["num_channels"]
    assert network.eval()(torch.randn(2, 1, 16, 16, 16)).shape == (2, width)
    needed = {"version", "changelog", "monai_version", "pytorch_version", "numpy_version"}
    needed |= {"task", "description", "authors", "copyright", "network_data_format"}
    assert needed <= json.loads((bundle / "configs" / "metadata.json").read_text()).keys()


def test_what_is_no_vector_per_image_is_refused(trained, tmp_path):
    with pytest.raises(UsageError, match="tokens"):
        export_bundle(trained[0].path, tmp_path / "bundle", output="tokens")
    assert not (tmp_path / "bundle").exists()


def test_images_of_another_shape_are_refused():
    encoder = {"name": "medical/residual", "channels": 2, "rank": 2, "widths": [4]}
    network = EncoderNetwork(encoder, "pooled").eval()
    assert network(torch.randn(1, 2, 8, 8)).shape == (1, 4)
    with pytest.raises(ShapeError, match="found \\(1, 1, 8, 8\\)"):
        network(torch.randn(1, 1, 8, 8))


def _rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))
