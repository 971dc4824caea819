"""Finding and describing what faults hit: the only importers of their SDKs."""
