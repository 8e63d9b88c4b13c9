"""Renderers: the Kubernetes objects that a folder stands for, made by kubectl and helm without network or cluster."""
