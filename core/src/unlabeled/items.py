"""The former place of `unlabeled.data.items`, until all readers look there."""

from unlabeled.data.items import Item, Items, Quarantined

__all__ = ["Item", "Items", "Quarantined"]
