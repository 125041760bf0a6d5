"""The features of unlabeled-lab."""
