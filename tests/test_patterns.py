"""What one looks for among names, and among paths."""

from __future__ import annotations

import pytest

from regtui.errors import UsageError
from regtui.patterns import Filter, PathFilter

PATHS = ["etc", "etc/passwd", "etc/ssl/openssl.cnf", "usr/bin/passwd", "usr/share/PASSWD.txt", "a[b]/c"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("passwd", ["etc/passwd", "usr/bin/passwd", "usr/share/PASSWD.txt"]),
        ("passwd usr", ["usr/bin/passwd", "usr/share/PASSWD.txt"]),
        ("passwd*", ["etc/passwd", "usr/bin/passwd", "usr/share/PASSWD.txt"]),
        ("*.cnf", ["etc/ssl/openssl.cnf"]),
        ("?tc", ["etc"]),
        ("etc/*", ["etc/passwd", "etc/ssl/openssl.cnf"]),
        ("/etc/*", ["etc/passwd", "etc/ssl/openssl.cnf"]),
        ("bin/*", []),
        ("*/bin/*", ["usr/bin/passwd"]),
        ("/etc/passwd", ["etc/passwd"]),
        ("*[b]*", []),
        ("*[b]/?", ["a[b]/c"]),
        (r"re:^etc/.*\.cnf$", ["etc/ssl/openssl.cnf"]),
        ("", PATHS),
    ],
)
def test_a_path_is_found_by_words_by_its_name_and_as_a_whole(pattern: str, found: list[str]) -> None:
    kept = PathFilter(pattern).keep(PATHS, range(len(PATHS)))
    assert [PATHS[index] for index in kept] == found


def test_of_other_names_a_glob_has_to_match_the_whole() -> None:
    names = ["team/app", "app"]
    assert Filter("app*").keep(names, range(2)) == [1]
    assert Filter("*/app").keep(names, range(2)) == [0]


def test_what_is_no_expression_says_so() -> None:
    with pytest.raises(UsageError, match="no regular expression"):
        PathFilter("re:(")
