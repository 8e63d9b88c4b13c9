"""Image references: text becomes a type once, at the door.

Grammar: https://github.com/distribution/reference (`docker.io/library/` is filled in as Docker does).
"""
