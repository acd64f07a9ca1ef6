"""The syntax colours of a text, for some rows at a time: Pygments' lexers, bounded.

A lexer is made of regular expressions, and the text is a stranger's: it sees a screen or two of rows at a time, and no
long line, so that none can keep it busy for long. What a construct of many rows looks like may so depend on where one
is in it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from regtui.tui.widgets.content.text_rows import TextRows

if TYPE_CHECKING:
    from pygments.lexer import RegexLexer  # type: ignore[import-untyped]
    from pygments.token import _TokenType  # type: ignore[import-untyped]

BLOCK: Final = 128
"""Rows that are coloured together."""
_BEFORE: Final = 256  # rows that are read before them, for what begins there
_LONG: Final = 400  # characters of a row that has no colours any more
_SECONDS: Final = 0.5  # that a block may take

Piece = tuple[str, str]
"""A style's name, or empty, and the text that has it."""

_BY_NAME: Final = {
    "dockerfile": "docker",
    "makefile": "make",
    "gnumakefile": "make",
    ".bashrc": "bash",
    ".profile": "bash",
    "profile": "bash",
    "bash.bashrc": "bash",
    "apkbuild": "bash",
    "nginx.conf": "nginx",
    "gemfile": "ruby",
    "rakefile": "ruby",
    "cmakelists.txt": "cmake",
    "go.mod": "go",
    "sources.list": "debsources",
    "control": "debcontrol",
}
_BY_ENDING: Final = {
    **dict.fromkeys(("py", "pyi", "pyw"), "python"),
    **dict.fromkeys(("sh", "bash", "ash", "ksh", "zsh", "postinst", "preinst", "postrm", "prerm"), "bash"),
    **dict.fromkeys(("js", "mjs", "cjs"), "javascript"),
    **dict.fromkeys(("ts", "tsx"), "typescript"),
    **dict.fromkeys(("yml", "yaml"), "yaml"),
    **dict.fromkeys(("xml", "svg", "xsd", "xsl", "pom", "plist"), "xml"),
    **dict.fromkeys(("htm", "html"), "html"),
    **dict.fromkeys(("ini", "cfg", "conf", "service", "socket", "timer", "mount", "target", "desktop"), "ini"),
    **dict.fromkeys(("c", "h"), "c"),
    **dict.fromkeys(("cc", "cpp", "cxx", "hh", "hpp"), "cpp"),
    **dict.fromkeys(("pl", "pm"), "perl"),
    **dict.fromkeys(("diff", "patch"), "diff"),
    **dict.fromkeys(("mk", "mak"), "make"),
    **dict.fromkeys(("rb", "gemspec"), "ruby"),
    **{name: name for name in ("json", "toml", "css", "go", "java", "php", "lua", "sql", "cmake", "awk", "tcl", "r")},
    "rs": "rust",
    "sources": "debcontrol",
    "dockerfile": "docker",
}
_BY_PROGRAM: Final = {
    **dict.fromkeys(("sh", "bash", "dash", "ash", "ksh", "zsh"), "bash"),
    **dict.fromkeys(("python", "python2", "python3"), "python"),
    **{name: name for name in ("perl", "ruby", "php", "lua", "awk")},
    "node": "javascript",
    "make": "make",
}


def language_of(path: str, program: str = "") -> str:
    """The lexer for a file, by its name or by the `program` that runs it; empty where there is none."""
    name = path.rpartition("/")[2].lower()
    return _BY_NAME.get(name) or _BY_ENDING.get(name.rpartition(".")[2]) or _BY_PROGRAM.get(program, "")


def coloured(rows: TextRows, block: int, language: str) -> list[list[Piece] | None]:
    """The rows of a block as pieces; None of one that has no colours. Not for an event loop: up to 0.1 s."""
    first = block * BLOCK
    last = min(first + BLOCK, len(rows))
    texts = list(rows.texts(range(max(0, first - _BEFORE), last)))
    wanted = texts[-(last - first) :] if last > first else []
    lexed = _lexed([text if len(text) <= _LONG else "" for text in texts], language)[len(texts) - len(wanted) :]
    lexed += [[]] * (len(wanted) - len(lexed))
    return [
        pieces if "".join(piece for _, piece in pieces) == text else None
        for pieces, text in zip(lexed, wanted, strict=True)
    ]


def _lexed(texts: Sequence[str], language: str) -> list[list[Piece]]:
    lines: list[list[Piece]] = [[]]
    end = time.monotonic() + _SECONDS
    for _, token, value in _lexer(language).get_tokens_unprocessed("\n".join(texts)):
        style = _style(token)
        for number, part in enumerate(value.split("\n")):
            if number:
                lines.append([])
            if part:
                lines[-1].append((style, part))
        if time.monotonic() > end:
            break
    return lines


@cache
def _lexer(language: str) -> RegexLexer:
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]

    lexer: RegexLexer = get_lexer_by_name(language)
    return lexer


@cache
def _style(token: _TokenType) -> str:
    from pygments.token import Token

    styles = {
        Token.Comment: "comment",
        Token.Comment.Preproc: "keyword",
        Token.Keyword: "keyword",
        Token.Literal.String: "string",
        Token.Literal.Number: "number",
        Token.Name.Class: "name",
        Token.Name.Function: "name",
        Token.Name.Tag: "name",
        Token.Name.Attribute: "name",
        Token.Name.Decorator: "name",
        Token.Generic.Inserted: "string",
        Token.Generic.Deleted: "keyword",
    }
    while token is not None and token not in styles:
        token = token.parent
    return styles.get(token, "")
