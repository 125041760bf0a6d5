"""Self-supervised learning for earth observation: radar, optical and other rasters"""
