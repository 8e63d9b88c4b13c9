"""The YAML files of a folder on this machine, for `scan` and `set`."""
