"""What a real shell makes of words and a tab."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
from pathlib import Path

PLACES = {
    "bash": "usr/share/bash-completion/completions/{}",
    "fish": "usr/share/fish/vendor_completions.d/{}.fish",
    "zsh": "usr/share/zsh/vendor-completions",
}
_BASH = """\
. /usr/share/bash-completion/bash_completion
. "$1"; shift
function=$(complete -p "$1" | sed 's/.*-F \\([^ ]*\\).*/\\1/')
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
"$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
_ZSH = """\
fpath=({directory} $fpath)
autoload -Uz compinit && compinit -u -D
PROMPT='READY> '
show() {{ BUFFER="print -r -- '<'${{(q)BUFFER}}'>'"; zle accept-line }}
zle -N show
bindkey '^X' show
"""


def completed(shell: str, tree: Path, typed: str, directory: Path) -> list[str]:
    """Return what ``shell`` offers behind ``typed``, by the completions in ``tree``."""
    script = tree / PLACES[shell].format(typed.split()[0])
    if shell == "bash":
        return _run(["bash", "--norc", "-c", _BASH, "-", str(script), *typed.split()])
    if shell == "fish":
        command = f"source {script}; complete -C '{typed}'"
        lines = _run(["fish", "--no-config", "-c", command], HOME=str(directory))
        return [line.partition("\t")[0] for line in lines]
    return _zsh(script, typed, directory)


def _run(words: list[str], **variables: str) -> list[str]:
    run = subprocess.run(
        words,
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
        check=False,
    )
    return run.stdout.splitlines()


def _zsh(functions: Path, typed: str, directory: Path) -> list[str]:
    """zsh completes only where somebody types: in a terminal."""
    (directory / ".zshrc").write_text(_ZSH.format(directory=functions))
    pid, terminal = pty.fork()
    if pid == 0:
        environ = {**os.environ, "ZDOTDIR": str(directory), "TERM": "dumb"}
        os.execvpe("zsh", ["zsh", "-i"], environ)
    try:
        _read_until(terminal, rb"READY> ")
        # Tab completes, and ^X prints the line in place of running it.
        os.write(terminal, typed.encode() + b"\t\x18")
        said = _read_until(terminal, rb"\n<[^\n]*>\r?\n")
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)
    (line,) = re.findall(r"\n<([^\n]*)>\r?\n", said.decode())
    return str(line).split()


def _read_until(terminal: int, pattern: bytes) -> bytes:
    said = b""
    while not re.search(pattern, said):
        if not select.select([terminal], [], [], 60)[0]:
            raise AssertionError(f"the shell said only {said!r}")
        said += os.read(terminal, 65536)
    return said
