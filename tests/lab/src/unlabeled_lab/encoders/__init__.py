"""The encoders of unlabeled-lab."""
