"""registries.conf's rules, whatever names and prefixes there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from regtui.errors import ConfigError
from regtui.registry.rules import Place, RegistriesConf, Rule

_HOSTS = ("a.example", "a.example:5000", "b.a.example", "ba.example", "[::1]:5000", "localhost:5000")
_PATH = st.lists(st.sampled_from(["a", "ab", "team", "team-2"]), max_size=3).map("/".join)


def _joined(host: str, path: str) -> str:
    return f"{host}/{path}" if path else host


_NAMES = st.builds(_joined, st.sampled_from(_HOSTS), _PATH)
_RULES = st.lists(
    st.builds(Rule, _NAMES | st.sampled_from(["*.example", "*.a.example"]), _NAMES, st.just("registries.conf")),
    unique_by=lambda rule: rule.prefix,
    max_size=8,
)


def _stands_for(prefix: str, name: str) -> bool:
    """By parts: what a prefix means, told another way than the rules tell it."""
    host, *parts = name.split("/")
    if prefix.startswith("*."):
        return host.partition(":")[0].endswith(prefix[1:])
    begun = prefix.split("/")
    return [host, *parts][: len(begun)] == begun


@given(_RULES, _NAMES)
def test_the_rule_is_the_one_with_the_longest_prefix_in_whole_parts(rules: list[Rule], name: str) -> None:
    rule = RegistriesConf(tuple(rules)).rule(name)
    covering = [other.prefix for other in rules if _stands_for(other.prefix, name)]
    assert (rule.prefix if rule else None) == max(covering, key=len, default=None)


@given(_RULES, _NAMES)
def test_a_name_ends_as_it_did_wherever_it_is(rules: list[Rule], name: str) -> None:
    conf = RegistriesConf(tuple(rules))
    try:
        place = conf.place(name)
    except ConfigError:
        return
    rule = conf.rule(name)
    assert str(place) == (rule.location + name[rule.covers(name) :] if rule else name)
    assert (rule is not None) or place == Place(*name.partition("/")[::2])
