"""A Dockerfile without RUN is worked out on the base's configuration and files before anything is written.

What an engine would do otherwise, or what engines do differently, is refused with line and reason.
https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import copy
import posixpath
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from bot.builders.base import MAX_SETTINGS
from bot.builders.copying import ROOT, Draft, NewLayer, Owner, Tree
from bot.builders.dockerfile import declared, expand, expand_words, given_args, global_args, printable
from bot.builders.layers import Files, Unclear, account_id, check_path, primary_group
from bot.core.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.builders.dockerfile import Dockerfile, Instruction
    from bot.core.models import BuildOrder

_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SYNTAX = re.compile(r"#\s*syntax\s*=\s*(?!(docker\.io/)?docker/dockerfile(:[\w.-]+)?\s*$)")
_DIRECTIVE = re.compile(r"#\s*[a-zA-Z][a-zA-Z0-9]*\s*=")
_PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp|sctp))?", re.ASCII | re.IGNORECASE)
_AUTOMATIC = re.compile(r"(TARGET|BUILD)(PLATFORM|OS|ARCH|VARIANT|STAGE)|BUILDKIT_\w+|SOURCE_DATE_EPOCH")


class Step(NamedTuple):
    """One line of the image's history: the instruction's text, and the layer it makes, if it makes one."""

    text: str
    layer: NewLayer | None


class Result(NamedTuple):
    """What a Dockerfile comes to: the container configuration (JSON), its steps, and the files of the image."""

    settings: dict[str, Any]
    steps: tuple[Step, ...]
    files: Files


def evaluate(dockerfile: Dockerfile, order: BuildOrder, settings: dict[str, Any], files: Files, tree: Tree) -> Result:
    """Work out `dockerfile` on the base's `settings` (its config's `config`) and `files`, with `tree` as context.

    `Refused` (`dockerfile_unsupported`) names the first instruction that needs an engine, and why.
    """
    _check_frontend(dockerfile)
    work, steps = _Evaluation(dockerfile, order, settings, files, tree), []
    for step in work.stage():
        try:
            layer = work.run(step)
        except Unclear as error:
            raise _unsupported(dockerfile, step, str(error)) from error
        except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise _unsupported(dockerfile, step, f"it is not understood ({type(error).__name__})") from error
        steps.append(Step(step.original.strip(), layer))
    work.settings["Labels"] = {**(work.settings.get("Labels") or {}), **order.labels}
    return Result(work.settings, tuple(steps), files)


def _unsupported(dockerfile: Dockerfile, step: Instruction, why: str) -> Refused:
    return Refused(
        printable(f"{dockerfile.where(step)}: {step.name}: {why[:500]}"),
        fix="set GITOPS_BOT_BUILDER=docker, which builds it with a Docker Engine, or change this line",
        reason_code="dockerfile_unsupported",
    )


def _check_frontend(dockerfile: Dockerfile) -> None:
    for number, line in enumerate(dockerfile.data.decode("utf-8-sig").split("\n"), 1):
        if _SYNTAX.match(line.strip().lower()):
            step = copy.copy(dockerfile.instructions[0])
            step.start_line, step.name = number, "# syntax"
            raise _unsupported(dockerfile, step, "another frontend than docker/dockerfile may mean anything")
        if not _DIRECTIVE.match(line.strip()):
            break


class _Evaluation:
    """The state between two instructions."""

    def __init__(
        self, dockerfile: Dockerfile, order: BuildOrder, settings: dict[str, Any], files: Files, tree: Tree
    ) -> None:
        self._dockerfile, self._files, self._tree = dockerfile, files, tree
        self._given, self._globals = given_args(order), global_args(dockerfile, order)
        self._args: dict[str, str] = {}
        self._seen: dict[str, str] = {}  # what the words of an instruction are expanded with
        self._said = 0
        self._has_cmd = False
        self.settings = copy.deepcopy(settings)
        self.settings["Env"] = list(self.settings.get("Env") or [])
        if "PATH" not in self._env():
            self.settings["Env"].append(_PATH)

    def stage(self) -> list[Instruction]:
        """The instructions behind FROM. `Refused` if there is more than one stage."""
        steps = list(self._dockerfile.instructions)
        start = next(number for number, step in enumerate(steps) if step.name == "FROM")
        if steps[start].flags:
            raise _unsupported(self._dockerfile, steps[start], f"the flag {steps[start].flags[0]} is not supported")
        return steps[start + 1 :]

    def run(self, step: Instruction) -> NewLayer | None:
        """Carry out one instruction; returns the layer it makes."""
        if step.name == "FROM":
            raise Unclear("an image with several stages needs an engine")
        if step.heredocs:
            raise Unclear("a here-document needs an engine")
        if step.name != "COPY" and step.flags:
            raise Unclear(f"the flag {step.flags[0]} is not supported")
        if not step.args and not step.json:
            raise Unclear("it has no arguments")
        actions: dict[str, Callable[[Instruction], NewLayer | None]] = {
            "ARG": self._arg, "CMD": self._cmd, "COPY": self._copy, "ENTRYPOINT": self._entrypoint,
            "ENV": self._set_env, "EXPOSE": self._expose, "LABEL": self._label, "USER": self._user,
            "WORKDIR": self._workdir,
        }  # fmt: skip
        if step.name not in actions:
            raise Unclear("it needs an engine")
        self._seen = {**self._args, **self._env()}
        return actions[step.name](step)

    def _env(self) -> dict[str, str]:
        return dict(pair.partition("=")[::2] for pair in self.settings["Env"])

    def _expand(self, step: Instruction, word: str) -> str:
        return self._kept(expand(self._dockerfile, step, word, self._seen))

    def _kept(self, word: str) -> str:
        self._said += len(word)
        if self._said > MAX_SETTINGS:
            raise Unclear(f"all words up to here are more than {MAX_SETTINGS >> 20} MiB")
        return word

    def _pairs(self, step: Instruction) -> dict[str, str]:
        """The names and values of ENV or LABEL: all of one line see what was before that line."""
        words = [self._expand(step, word) for word in step.args]
        if not all(words[::3]):
            raise Unclear("a name is empty")
        return dict(zip(words[::3], words[1::3], strict=True))

    def _arg(self, step: Instruction) -> None:
        for name, default in declared(step.args):
            if name in self._env() or _AUTOMATIC.fullmatch(name) or not name.isidentifier():
                raise Unclear(f"the argument {name!r} is also in ENV, or is one that engines treat differently")
            if name in self._given:
                self._args[name] = self._given[name]
            elif default is not None:
                self._args[name] = self._expand(step, default)
            elif name in self._globals:
                self._args[name] = self._kept(self._globals[name])
            self._seen = {**self._args, **self._env()}

    def _set_env(self, step: Instruction) -> None:
        env = {**self._env(), **self._pairs(step)}
        self.settings["Env"] = [f"{name}={value}" for name, value in env.items()]

    def _label(self, step: Instruction) -> None:
        self.settings["Labels"] = {**(self.settings.get("Labels") or {}), **self._pairs(step)}

    def _expose(self, step: Instruction) -> None:
        ports = dict(self.settings.get("ExposedPorts") or {})
        for word in (word for text in step.args for word in expand_words(self._dockerfile, step, text, self._seen)):
            found = _PORT.fullmatch(word)
            first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
            if not found or not 0 < first <= last < 65536:
                raise Unclear(f"{word!r} is not a port")
            ports.update({f"{port}/{(found[3] or 'tcp').lower()}": {} for port in range(first, last + 1)})
        self.settings["ExposedPorts"] = ports

    def _user(self, step: Instruction) -> None:
        self.settings["User"] = self._expand(step, step.args[0])
        if not self.settings["User"]:
            raise Unclear("the user is empty")

    def _command(self, step: Instruction) -> list[str]:
        return list(step.args) if step.json else [*(self.settings.get("Shell") or ["/bin/sh", "-c"]), step.args[0]]

    def _cmd(self, step: Instruction) -> None:
        self.settings["Cmd"] = self._command(step)
        self._has_cmd = True

    def _entrypoint(self, step: Instruction) -> None:
        self.settings["Entrypoint"] = self._command(step)
        if not self._has_cmd:
            self.settings.pop("Cmd", None)

    def _workdir(self, step: Instruction) -> NewLayer | None:
        folder = self._absolute(self._expand(step, step.args[0]))
        self.settings["WorkingDir"] = folder
        draft = Draft(self._files, self._tree.when)
        draft.make_folders(self._files.resolve(folder.strip("/")), ROOT)
        layer = draft.finish()
        if layer and (self.settings.get("User") or "root").partition(":")[0] not in ("root", "0"):
            raise Unclear(f"engines differ on who owns {folder}, which is new, under USER {self.settings['User']}")
        return layer

    def _absolute(self, path: str) -> str:
        if not path:
            raise Unclear("a path is empty")
        whole = posixpath.join("/", self.settings.get("WorkingDir") or "", path)
        place = posixpath.normpath(whole).replace("//", "/")
        check_path(place.strip("/"))
        return place

    def _copy(self, step: Instruction) -> NewLayer | None:
        if not step.json and re.search(r"""['"\\`]|[^\S \t]""", step.original.strip()):
            raise Unclear("quotes, escapes and odd white space need the JSON form")
        if len(step.args) < 2:
            raise Unclear("it names no target")
        *sources, target = [self._expand(step, word) for word in step.args]
        place = self._absolute(target)
        if target.endswith("/"):
            place = place.rstrip("/") + "/"
        elif posixpath.basename(target) == "." and not self._files.is_dir(self._files.resolve(place.strip("/"))):
            raise Unclear(f"engines differ on {target!r} where {place} does not exist")
        draft = Draft(self._files, self._tree.when)
        draft.copy(self._tree, sources, place, self._owner(step))
        return draft.finish()

    def _owner(self, step: Instruction) -> Owner:
        chown = [flag.removeprefix("--chown=") for flag in step.flags if flag.startswith("--chown=")]
        if len(chown) != len(step.flags) or len(chown) > 1:
            raise Unclear(f"of its flags ({' '.join(step.flags)}) only one --chown is supported")
        if not chown:
            return ROOT
        user, colon, group = self._expand(step, chown[0]).partition(":")
        uid, gid = account_id(self._files, "etc/passwd", user), account_id(self._files, "etc/group", group or user)
        if not colon and gid != primary_group(self._files, user):
            raise Unclear(f"engines differ on the group of {user!r}: write --chown={user}:group")
        return uid, gid
