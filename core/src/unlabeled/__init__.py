"""Self-supervised learning for domain data: the core. Light to import; names load on use."""
