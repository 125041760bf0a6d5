"""What unlabeled-audio brings. Imports nothing but the manifest's own types."""

from unlabeled.plugin import Plugin

plugin = Plugin(
    api=1,
    modality="audio",
    summary="Recordings: bioacoustics, machines, speech and music",
)
