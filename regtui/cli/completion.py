"""`regtui completion`, and the answers to the shells that source what it prints.

A shell sets `_REGTUI_COMPLETE` to its name and `_REGTUI_LINE` to the command line up to the cursor. What it reads is a
word a line: `+` before a word that is whole, `-` before one that goes on, a tab before what explains it; or FILE. Bash
cuts words at its `COMP_WORDBREAKS`, given in `_REGTUI_BREAKS`, and gets only what follows the last of these.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from regtui.cli.flags import with_flags
from regtui.config import load_settings
from regtui.operations import completing
from regtui.operations.completing import Candidate, Wanted

if TYPE_CHECKING:
    from regtui.cli.program import Program

ASKED = "_REGTUI_COMPLETE"
"""The variable that tells the program to complete, and for which shell."""
_PATIENCE = 2.0
"""Seconds after which nothing is completed: a folder may be on a server that is gone."""
_ARGUMENTS = {
    "ls": (Wanted.NAMESPACE,),
    "login": (Wanted.REGISTRY,),
    "logout": (Wanted.REGISTRY,),
    "tags": (Wanted.REPOSITORY,),
    "inspect": (Wanted.VERSION,),
    "files": (Wanted.VERSION,),
    "find": (Wanted.ANYTHING,),
    "cat": (Wanted.VERSION,),
    "extract": (Wanted.VERSION,),
    "packages": (Wanted.VERSION,),
    "diff": (Wanted.VERSION, Wanted.VERSION),
    "tag": (Wanted.VERSION,),
    "cp": (Wanted.VERSION, Wanted.ANYTHING),
    "mv": (Wanted.VERSION, Wanted.ANYTHING),
    "log": (Wanted.VERSION,),
    "resume": (Wanted.VERSION,),
}
"""What each command takes. `rm` takes any number; the second of `tag` is a tag beside the first."""
_WITH_FILE = {"--output", "-o"}
_WITH_VALUE = {"--kind", "--layer", "--limit", "--realm", "--search", "--sort", "--tags", *_WITH_FILE}
"""Options that a word follows, beside the common ones: to know them by their commands would import these."""

_BASH = r"""_regtui_completion() {
    local breaks=$COMP_WORDBREAKS
    [[ ${COMP_WORDS[COMP_CWORD]} == [\"\']* ]] && breaks=
    IFS=$'\n' read -r -d '' -a COMPREPLY < <(
        _REGTUI_COMPLETE=bash _REGTUI_BREAKS=$breaks _REGTUI_LINE=${COMP_LINE:0:COMP_POINT} "$1" 2>/dev/null </dev/null
    ) || :
    if [[ ${COMPREPLY[0]-} == FILE ]]; then
        COMPREPLY=()
        compopt -o default +o nospace 2>/dev/null
    fi
}
complete -o nospace -F _regtui_completion regtui
"""
_ZSH = r"""#compdef regtui
_regtui() {
    local -a lines whole open
    lines=("${(@f)$(_REGTUI_COMPLETE=zsh _REGTUI_LINE="${(j: :)words[1,CURRENT-1]} $PREFIX" \
        ${(Q)words[1]} 2>/dev/null </dev/null)}")
    if [[ $lines[1] == FILE ]]; then
        compset -P '*='
        _files
        return
    fi
    whole=(${${(M)lines:#+*}#+})
    open=(${${(M)lines:#-*}#-})
    lines=(${whole/$'\t'/  -- })
    if [[ $whole == *$'\t'* ]]; then
        compadd -Q -l -V regtui -d lines -- ${whole%%$'\t'*}
    else
        compadd -Q -V regtui -- $whole
    fi
    compadd -Q -V regtui -S '' -- $open
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _regtui "$@"
else
    compdef _regtui regtui
fi
"""
_FISH = r"""function __regtui_complete
    set -l program (commandline -opc)[1]
    set -l found (env _REGTUI_COMPLETE=fish _REGTUI_LINE=(commandline -cp | string collect) $program 2>/dev/null \
        </dev/null)
    if test "$found" = FILE
        __fish_complete_path (commandline -ct)
    else
        string sub --start 2 -- $found
    end
end
complete --command regtui --no-files --keep-order --arguments '(__regtui_complete)'
"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


@click.command()
@click.argument("shell", type=click.Choice(list(_SCRIPTS)))
@with_flags
def completion(shell: str) -> None:
    """Print what completes commands, options, registries and references in a shell.

    \b
    bash: eval "$(regtui completion bash)" in ~/.bashrc
    zsh:  eval "$(regtui completion zsh)" in ~/.zshrc
    fish: regtui completion fish > ~/.config/fish/completions/regtui.fish
    """
    click.echo(_SCRIPTS[shell], nl=False)


def answer(program: Program, environ: Mapping[str, str]) -> int:
    """Prints what a shell asks for. Whatever goes wrong, it prints nothing, and ends soon."""
    signal.signal(signal.SIGALRM, lambda number, frame: os._exit(0))
    signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
    try:
        sys.stdout.write("".join(f"{line}\n" for line in _lines(program, environ)))
        sys.stdout.flush()
    except Exception:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a pipe may be closed: then not once more at the end
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return 0


def _lines(program: Program, environ: Mapping[str, str]) -> list[str]:
    from click.shell_completion import split_arg_string

    line = environ.get("_REGTUI_LINE", "")
    words = split_arg_string(line)
    begun = words.pop() if words and not line[-1:].isspace() else ""
    found = _candidates(program, words[1:], begun)
    if found is None:
        return ["FILE"]
    if environ[ASKED] != "bash":
        return [f"{'-' if each.goes_on else '+'}{each.text}" for each in found]
    breaks = environ.get("_REGTUI_BREAKS", "")
    cut = max((begun.rfind(mark) for mark in breaks if not mark.isspace()), default=-1) + 1
    space = " " if breaks else ""  # none inside of quotes
    return [each.text.partition("\t")[0][cut:] + ("" if each.goes_on else space) for each in found]


def _candidates(program: Program, words: Sequence[str], begun: str) -> list[Candidate] | None:
    """What the word that is begun after `words` could become; None for any file's path."""
    common = [option for option in program.params if isinstance(option, click.Option) and not option.is_flag]
    with_value = _WITH_VALUE.union(*(option.opts for option in common))
    last = begun.partition("=")[0] if "=" in begun else words[-1] if words else ""
    if last in _WITH_FILE or any(option.metavar == "FILE" and last in option.opts for option in common):
        return None
    if begun.startswith("-") or (words and words[-1] in with_value):
        return _by_click(program, words, begun)
    given = [word for before, word in zip(["", *words], words, strict=False) if before not in with_value]
    given = [word for word in given if not word.startswith("-")]
    settings = load_settings({})
    if not given:
        commands = [Candidate(name) for name in program.list_commands(click.Context(program)) if name.startswith(begun)]
        return [*commands, *completing.references(settings, begun, Wanted.ANYTHING)]
    command, *arguments = given
    if command == "rm":
        return completing.references(settings, begun, Wanted.VERSION)
    wanted = _ARGUMENTS.get(command, ())
    if len(arguments) < len(wanted):
        return completing.references(settings, begun, wanted[len(arguments)])
    if command == "tag" and len(arguments) == 1:
        return [Candidate(name) for name in completing.tags_beside(settings, arguments[0]) if name.startswith(begun)]
    return _by_click(program, words, begun) if command not in _ARGUMENTS else []


def _by_click(program: Program, words: Sequence[str], begun: str) -> list[Candidate]:
    """Options, and the values that click knows of: it needs the command for that."""
    from click.shell_completion import ShellComplete

    found = ShellComplete(program, {}, "regtui", ASKED).get_completions(list(words), begun)
    option = begun[: begun.find("=") + 1]  # of --sort=name, which click leaves out
    return [Candidate(f"{option}{item.value}\t{item.help}" if item.help else option + item.value) for item in found]
