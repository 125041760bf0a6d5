"""What unlabeled-remote-sensing brings. Imports nothing but the manifest's own types."""

from unlabeled.plugin import Plugin

plugin = Plugin(
    api=1,
    modality="remote_sensing",
    summary="Sentinel-1/2 and other rasters: scenes of any size",
)
