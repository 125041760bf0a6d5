"""What unlabeled-medical brings. Imports nothing but the manifest's own types."""

from unlabeled.plugin import Plugin

plugin = Plugin(
    api=1,
    modality="medical",
    summary="MRI, CT and X-ray: volumes and images with physical spacing",
)
