"""What a run leaves behind: the encoder as safetensors and JSON, and as ONNX."""
