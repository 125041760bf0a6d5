"""Self-supervised learning for recordings: bioacoustics, machines, speech and music"""
