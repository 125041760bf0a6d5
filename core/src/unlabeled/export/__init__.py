"""The exported encoder: safetensors and JSON, and ONNX."""
