"""Container registries behind one port: over HTTP, or as folders on this machine."""
