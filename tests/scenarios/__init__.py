"""The pipeline as its users live through it, on real git repositories, OCI layouts and the local forge."""
