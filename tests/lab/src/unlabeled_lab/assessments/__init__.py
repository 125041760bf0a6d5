"""The assessments of unlabeled-lab."""
