"""The pretexts of unlabeled-lab."""
