"""Self-supervised learning for tables of mixed columns, a plugin of unlabeled."""
