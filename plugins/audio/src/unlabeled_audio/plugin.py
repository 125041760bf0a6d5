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
    augmentations={
        "crop": Component(
            target="unlabeled_audio.augmentations.crop:Crop",
            summary="a random window of the clip",
        ),
        "gain": Component(
            target="unlabeled_audio.augmentations.gain:Gain",
            summary="louder or softer",
        ),
        "noise": Component(
            target="unlabeled_audio.augmentations.noise:Noise",
            summary="noise of a random colour, at a random ratio of levels",
        ),
        "speed": Component(
            target="unlabeled_audio.augmentations.speed:Speed",
            summary="faster and higher, or slower and lower",
        ),
        "time_stretch": Component(
            target="unlabeled_audio.augmentations.time_stretch:TimeStretch",
            summary="faster or slower at the same pitch",
            source="Flanagan and Golden 1966",
        ),
        "pitch": Component(
            target="unlabeled_audio.augmentations.pitch:Pitch",
            summary="higher or lower at the same tempo",
        ),
        "equaliser": Component(
            target="unlabeled_audio.augmentations.equaliser:Equaliser",
            summary="a smooth random filter, as of another microphone",
        ),
        "reverberation": Component(
            target="unlabeled_audio.augmentations.reverberation:Reverberation",
            summary="another room, by recorded or drawn impulse responses",
        ),
        "spec_augment": Component(
            target="unlabeled_audio.augmentations.spec_augment:SpecAugment",
            summary="silent stretches of time and bands of frequency",
            source="Park et al. 2019, arXiv:1904.08779",
        ),
        "mixing": Component(
            target="unlabeled_audio.augmentations.mixing:Mixing",
            summary="another clip of the batch, softly, behind each clip",
            source="Niizumi et al. 2021, arXiv:2103.06695; Chen et al. 2022, arXiv:2110.13900",
        ),
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
    features={
        "log_mel_statistics": Component(
            target="unlabeled_audio.features.log_mel:LogMelStatistics",
            summary="mean and standard deviation of each mel bin",
        ),
        "log_mel_grid": Component(
            target="unlabeled_audio.features.log_mel:LogMelGrid",
            summary="mean of each mel bin in each part of the clip",
        ),
        "mfcc_statistics": Component(
            target="unlabeled_audio.features.mfcc:MFCCStatistics",
            summary="mean and standard deviation of each cepstral coefficient",
            source="Davis and Mermelstein 1980",
        ),
    },
    recipes={
        "ssast": Component(
            target="unlabeled_audio:recipes/ssast.yaml",
            summary="masked frames of short clips, tiny",
            source="Gong et al. 2022, arXiv:2110.09784",
        ),
        "barlow_twins": Component(
            target="unlabeled_audio:recipes/barlow_twins.yaml",
            summary="two views by crop, gain, noise and mixing, tiny",
            source="Zbontar et al. 2021, arXiv:2103.03230",
        ),
    },
)
