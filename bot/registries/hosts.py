"""A registry's host decides the way to it: plain HTTP on this machine, TLS everywhere else."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def origin(host: str) -> str:
    """The base URL of the registry that a reference's host names; Docker Hub has a name of its own for it."""
    if host == "docker.io":
        return "https://registry-1.docker.io"
    return f"{'http' if is_loopback(host) else 'https'}://{host}"


def is_loopback(host: str) -> bool:
    """Whether `host[:port]` is this machine by name: `localhost`, 127.0.0.0/8 or `[::1]`. `ValueError` if malformed."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def login(host: str) -> str:
    """What a person does about a refusal of `host`."""
    command = "docker login" if host == "docker.io" else f"docker login {host}"
    return f"run `{command}` as a user with access to it"
