"""What unlabeled-audio brings. Imports nothing but the manifest's own types."""

from unlabeled.plugin import Component, Plugin

plugin = Plugin(
    api=1,
    modality="audio",
    summary="Recordings: bioacoustics, machines, speech and music",
    synthetic={
        "clips": Component(
            target="unlabeled_audio.synthetic:write_chirps",
            summary="rising and falling chirps, trills and pulses, in noise",
        )
    },
    readers={
        "clips": Component(
            target="unlabeled_audio.readers.clips:Clips",
            summary="sound files of any format, rate and channel count; folders or manifests",
        )
    },
    encoders={
        "ast": Component(
            target="unlabeled_audio.encoders.ast:AST",
            summary="transformer on patches or frames of log-mel spectrograms",
            source="Gong et al. 2021, arXiv:2104.01778",
        )
    },
    pretexts={
        "ssast": Component(
            target="unlabeled_audio.pretexts.ssast:SSAST",
            summary="hide patches, tell them apart and rebuild them",
            source="Gong et al. 2022, arXiv:2110.09784",
        )
    },
)
