"""gitops-bot: builds container images and promotes them through a Flux GitOps repository."""

__version__ = "0.1.0"
