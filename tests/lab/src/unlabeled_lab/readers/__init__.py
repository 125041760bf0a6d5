"""The readers of unlabeled-lab."""
