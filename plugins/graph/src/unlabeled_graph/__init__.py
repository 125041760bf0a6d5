"""Self-supervised learning for molecules, networks and collections of small graphs"""
