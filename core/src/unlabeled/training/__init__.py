"""Training: one small loop on Lightning Fabric, exact resume, checkpoints, progress."""
