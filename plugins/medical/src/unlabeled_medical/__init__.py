"""Self-supervised learning for medical volumes and images: MRI, CT, X-ray"""
