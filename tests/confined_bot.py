"""A small bot with a secret, which lets a confined program try one thing: `confined_bot.py ATTEMPT`.

It runs as any user; what it prints is what the program got, and what became of what is the bot's. Standard library
alone, so that a Python of the system runs it.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bot import confine

SECRET = "very-secret"
ATTEMPTS = {
    "the bot's credentials": "open({file!r}).read()",
    "a file beside them": "open({file!r} + '.new', 'w').write('x')",
    "another name for them": "os.link({file!r}, 'own')",
    "their name": "os.rename({file!r}, {file!r} + '.old')",
    "the folder that they are in": "os.listdir(os.path.dirname({file!r}))",
    "a link to them": "(os.symlink({file!r}, 'link'), open('link').read())",
    "the bot's environment": "open('/proc/{bot}/environ').read()",
    "the bot's memory": "open('/proc/{bot}/mem', 'rb').read(1)",
    "the bot's open files": "os.listdir('/proc/{bot}/fd')",
    "the bot's threads": "ctypes.CDLL(None).ptrace(16, {bot}, 0, 0) == 0 or deny()",
    "a signal to the bot": "os.kill({bot}, 10)",
    "a connection": "socket.create_connection(('127.0.0.1', {tcp}), 5)",
    "a datagram": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {tcp}))",
    "a socket that is a file": "socket.socket(socket.AF_UNIX).connect({unix!r})",
    "a socket without a file": "socket.socket(socket.AF_UNIX).connect({abstract!r})",
    "a socket of its own": "socket.create_server(('127.0.0.1', 0))",
    "another user's rights": "subprocess.run(['su', '-c', 'true'], check=True, stderr=-3)",
}
PROGRAM = """
import ctypes, os, socket, subprocess
def deny():
    raise PermissionError
try:
    print("got", {attempt})
except (OSError, subprocess.CalledProcessError) as error:
    print("denied", type(error).__name__)
"""


def main(attempt: str) -> None:
    """Be the bot: have secrets, listen, run the program, and look what is left."""
    confine.forget(["GITOPS_BOT_GIT_TOKEN"])
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as name:
        own = Path(name).resolve()
        credentials = Path(home, "config.json")
        credentials.write_text(SECRET)
        servers = [socket.create_server(("127.0.0.1", 0))]
        for address in (f"{home}/socket", f"\0{home}"):
            servers.append(socket.socket(socket.AF_UNIX))
            servers[-1].bind(address)
            servers[-1].listen()
        Path(home, "socket").chmod(0o777)
        tried = ATTEMPTS[attempt].format(
            file=str(credentials),
            bot=os.getpid(),
            tcp=servers[0].getsockname()[1],
            unix=f"{home}/socket",
            abstract=f"\0{home}",
        )
        confine.lend(own)
        command = confine.arguments(
            [os.path.realpath(sys.executable), "-I", "-S", "-c", PROGRAM.format(attempt=tried)], write=[own]
        )
        done = subprocess.run(command, cwd=own, env={}, capture_output=True, text=True, check=False, timeout=30)
        left = sorted(os.listdir(home)), credentials.read_text()
    sys.stdout.write(json.dumps([done.stdout.strip(), done.stderr.strip(), left]))


if __name__ == "__main__":
    main(sys.argv[1])
