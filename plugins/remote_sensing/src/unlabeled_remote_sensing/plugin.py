"""The manifest of unlabeled-remote-sensing. Imports only the manifest's own types."""

from unlabeled.plugin import Component, Plugin, Trial

plugin = Plugin(
    api=1,
    modality="remote_sensing",
    summary="Sentinel-1/2 and other rasters: scenes of any size",
    synthetic={
        "scenes": Component(
            target="unlabeled_remote_sensing.synthetic:write_pairs",
            summary="radar and optical tiles of 48 px with water in four patterns",
        ),
        "complex_scenes": Component(
            target="unlabeled_remote_sensing.synthetic:write_speckled",
            summary="single-look complex fields of 64 px with their true reflectivity",
        ),
    },
    readers={
        "scenes": Component(
            target="unlabeled_remote_sensing.readers.scenes:Scenes",
            summary="rasters of one or more sensors on one grid, whole or by windows",
        ),
        "complex_scenes": Component(
            target="unlabeled_remote_sensing.readers.complex_scenes:ComplexScenes",
            summary="single-look complex radar",
        ),
    },
    augmentations={
        "dihedral": Component(
            target="unlabeled_remote_sensing.augmentations.dihedral:Dihedral",
            summary="flips and quarter turns, the same for all sensors",
        ),
        "crop": Component(
            target="unlabeled_remote_sensing.augmentations.crop:Crop",
            summary="a window of fixed size at a random place",
        ),
        "resized_crop": Component(
            target="unlabeled_remote_sensing.augmentations.crop:ResizedCrop",
            summary="a window of random area, resized",
        ),
        "band_jitter": Component(
            target="unlabeled_remote_sensing.augmentations.band_jitter:BandJitter",
            summary="brightness and contrast of each band",
        ),
    },
    encoders={
        "croma": Component(
            target="unlabeled_remote_sensing.encoders.croma:CROMA",
            summary="radar, optical and joint transformers with distance-biased attention",
            source="Fuller et al. 2023, arXiv:2311.00566",
        ),
        "raster_vit": Component(
            target="unlabeled_remote_sensing.encoders.raster_vit:RasterViT",
            summary="one transformer on the stacked bands of all sensors",
            source="He et al. 2022, arXiv:2111.06377; Cong et al. 2022, arXiv:2207.08051",
        ),
        "despeckler": Component(
            target="unlabeled_remote_sensing.encoders.despeckler:Despeckler",
            summary="residual U-Net from one part of a complex image to its reflectivity",
            source="Dalsasso et al. 2021, arXiv:2110.13148",
        ),
    },
    pretexts={
        "croma": Component(
            target="unlabeled_remote_sensing.pretexts.croma:CROMAPretext",
            summary="contrast radar with optical and reconstruct both from the two",
            source="Fuller et al. 2023, arXiv:2311.00566",
        ),
        "merlin": Component(
            target="unlabeled_remote_sensing.pretexts.merlin:Merlin",
            summary="remove speckle: predict one part of a complex image from the other",
            source="Dalsasso et al. 2021, arXiv:2110.13148",
        ),
    },
    assessments={
        "sizes": Component(
            target="unlabeled_remote_sensing.assessments.sizes:Sizes",
            summary="accuracy at several image sizes and normalisations, by kNN and linear probe",
            source="Corley et al. 2023, arXiv:2305.13456",
        ),
        "segmentation": Component(
            target="unlabeled_remote_sensing.assessments.segmentation:Segmentation",
            summary="classes of pixels by masks or polygons, beside raw pixels and band indices",
            source="Fuller et al. 2023, arXiv:2311.00566",
        ),
        "despeckling": Component(
            target="unlabeled_remote_sensing.assessments.despeckling:Despeckling",
            summary="scenes whose reflectivity is known, restored, beside classical filters",
        ),
    },
    baselines={
        "random_convolutions": Component(
            target="unlabeled_remote_sensing.baselines.random_convolutions:RandomConvolutions",
            summary="means of rectified random filters",
            source="Rolf et al. 2021, doi:10.1038/s41467-021-24638-z",
        ),
        "band_statistics": Component(
            target="unlabeled_remote_sensing.baselines.band_statistics:BandStatistics",
            summary="mean, deviation, maximum and minimum of each band",
            source="Corley et al. 2023, arXiv:2305.13456",
        ),
    },
    recipes={
        "croma": Component(
            target="unlabeled_remote_sensing:recipes/croma.yaml",
            summary="CROMA on 48 px crops, small enough for two cores",
            source="Fuller et al. 2023, arXiv:2311.00566",
        ),
        "croma_base": Component(
            target="unlabeled_remote_sensing:recipes/croma_base.yaml",
            summary="CROMA as published, base size, on 120 px crops",
            source="Fuller et al. 2023, arXiv:2311.00566",
            experimental=True,
        ),
        "mae": Component(
            target="unlabeled_remote_sensing:recipes/mae.yaml",
            summary="multispectral masked autoencoder, small enough for two cores",
            source="He et al. 2022, arXiv:2111.06377",
            experimental=True,
        ),
        "merlin": Component(
            target="unlabeled_remote_sensing:recipes/merlin.yaml",
            summary="MERLIN despeckling, small enough for two cores",
            source="Dalsasso et al. 2021, arXiv:2110.13148",
        ),
        "merlin_base": Component(
            target="unlabeled_remote_sensing:recipes/merlin_base.yaml",
            summary="MERLIN in the size of the authors' network, windows of 256 px",
            source="Dalsasso et al. 2021, arXiv:2110.13148",
            experimental=True,
        ),
        "vicreg": Component(
            target="unlabeled_remote_sensing:recipes/vicreg.yaml",
            summary="two crops of one tile, compared by VICReg",
            source="Bardes et al. 2022, arXiv:2105.04906",
            experimental=True,
        ),
        "cross_modal": Component(
            target="unlabeled_remote_sensing:recipes/cross_modal.yaml",
            summary="radar and optics of one tile, compared by InfoNCE",
            source="Tian et al. 2020, arXiv:1906.05849",
            experimental=True,
        ),
        "ibot": Component(
            target="unlabeled_remote_sensing:recipes/ibot.yaml",
            summary="large and small crops, hidden patches and a teacher",
            source="Zhou et al. 2022, arXiv:2111.07832",
            experimental=True,
        ),
        "swav": Component(
            target="unlabeled_remote_sensing:recipes/swav.yaml",
            summary="the cluster of one crop predicted from the others",
            source="Caron et al. 2020, arXiv:2006.09882",
            experimental=True,
        ),
        "mae_complement": Component(
            target="unlabeled_remote_sensing:recipes/mae_complement.yaml",
            summary="masked autoencoder whose masks come in complementary pairs",
            source="He et al. 2022, arXiv:2111.06377",
            experimental=True,
        ),
    },
    commands={
        "maps": Component(
            target="unlabeled_remote_sensing.maps:maps",
            summary="Embed whole scenes of any size as maps.",
        ),
    },
    trials={
        "merlin": Trial(
            "merlin",
            items=24,
            overrides={"training": {"steps": 120, "batch_size": 4}, "encoder": {"width": 6}},
            target="truth",
            assess="despeckling",
        ),
    },
    expected_failures={
        "pretexts/croma/learns": "takes minutes; make bench-ombria shows it on floods",
        "recipes/croma_base/trains": "190 million weights; croma runs the same code",
    },
)
