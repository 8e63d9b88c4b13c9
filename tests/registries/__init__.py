"""Both registries keep one contract, and the HTTP one keeps it against servers that misbehave."""
