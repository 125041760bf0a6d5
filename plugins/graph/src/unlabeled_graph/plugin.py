"""What unlabeled-graph brings. Imports nothing but the manifest's own types."""

from unlabeled.plugin import Plugin

plugin = Plugin(
    api=1,
    modality="graph",
    summary="Molecules, networks and collections of small graphs",
)
