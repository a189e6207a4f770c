"""Policy files: what is taken, and every mistake with its line, column and advice."""

from __future__ import annotations

import json
import time
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.documents.document import BadDocument, Problem, parse_document
from basics.documents.reader import BYTES_MOST, read_tree, scalar
from basics.documents.validation import MISTAKES_MOST
from models.errors import BadInput
from models.policies import Mode, Policy
from service.policy_file import POLICY, read_policy

SAMPLE = """\
apiVersion: tidegate.dev/v1
kind: Policy
metadata: {name: campus-gpu}
spec:
  mode: recommend                       # observe | recommend | auto
  pools:
    - name: a100
      nodes: gpu[001-064]               # the HPC scheduler's names, as a hostlist
      kubernetesName: "{name}.example.org"
      unmetCost: {hpc: 1.0, kubernetes: 3.0}   # of one node of unmet demand for one hour
      floor: {hpc: 8, kubernetes: 8}
  forecast: {horizons: [5m, 15m, 1h, 3h, 6h]}
  moves: {atOnce: 8, perHour: 24, minGain: 0.5, dwell: 20m, settle: 6s, drainDeadline: 4h, reserveAhead: true, \
evict: never}
  takeovers:
    - {name: weekly-simulation, side: hpc, pool: a100, nodes: all, schedule: "0 18 * * FRI", duration: 48h}
  safety: {staleAfter: 2m, unreadyMax: 3, failuresToPause: 3}
"""


def parse_policy(text: str, name: str) -> Policy:
    return parse_document(text, name, POLICY).value


def problems(text: str) -> list[str]:
    """The lines of the refusal, without the name of the file."""
    with pytest.raises(BadDocument) as refused:
        parse_policy(text, "p.yaml")
    lines = str(refused.value).splitlines()
    assert all(line.startswith("p.yaml:") for line in lines)
    return [line.removeprefix("p.yaml:") for line in lines]


def test_the_sample_of_the_design_is_accepted_as_it_stands():
    spec = parse_policy(SAMPLE, "sample").spec
    assert spec.pools[0].bounds(64) == (8, 56)
    assert spec.forecast.horizons == (300, 900, 3600, 10800, 21600)
    assert spec.takeovers[0].duration == 48 * 3600


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{}", id="an empty mapping"),
        pytest.param("apiVersion: tidegate.dev/v1\nkind: Policy\n", id="only the head"),
        pytest.param("spec: {moves: {}, forecast: {}, safety: {}}", id="empty parts"),
    ],
)
def test_what_is_left_out_is_as_without_a_policy_file(text: str):
    assert parse_policy(text, "p.yaml") == Policy()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\ufeffspec:\n  mode: auto\n", id="byte order mark"),
        pytest.param("spec:\r\n  mode: auto\r\n", id="Windows line ends"),
        pytest.param("---\nspec:\n  mode: auto\n...\n", id="document marks"),
        pytest.param('{"spec": {"mode": "auto"}}', id="JSON"),
        pytest.param("spec: # all\n  mode: 'auto'", id="comment, quotes, no newline at the end"),
    ],
)
def test_tolerated_forms(text: str):
    assert parse_policy(text, "p.yaml").spec.mode is Mode.AUTO


@pytest.mark.parametrize("name", ["no", "on", "yes", "off", "y", "2026-01-01", "0o9"])
def test_a_pool_may_have_a_name_that_yaml_1_1_would_turn_into_something_else(name: str):
    assert parse_policy(f"spec: {{pools: [{{name: {name}}}]}}", "p.yaml").spec.pools[0].name == name


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("", None),
        ("~", None),
        ("null", None),
        ("0123", 123),
        ("0o17", 15),
        ("0x1F", 31),
        ("-7", -7),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("2026-01-01", "2026-01-01"),
        ("٣", "٣"),
        ("9" * 41, "9" * 41),
    ],
)
def test_words_are_read_by_the_core_schema_of_yaml_1_2(word: str, value: object):
    assert scalar(word) == value
    assert type(scalar(word)) is type(value)


UNIT = "write a whole number and a unit, for example 90s, 5m, 4h or 2d"
SHARE = "must be a number of nodes (1 to 1000000) or a share of the pool from 1% to 100%"
LOOK = "look for a wrong indentation or a missing quote, bracket or colon"
BAD = [
    (
        "unknown key, near one",
        "spec:\n  moves:\n    minGian: 1\n",
        "3:5: spec.moves.minGian: unknown key; did you mean minGain?",
    ),
    (
        "unknown key, snake case",
        "spec: {moves: {min_gain: 1}}",
        "1:16: spec.moves.min_gain: unknown key; did you mean minGain?",
    ),
    ("unknown key, other place", "spec: {settle: 9s}", "1:8: spec.settle: unknown key here; it belongs in spec.moves"),
    (
        "unknown key, place of the document",
        "spec: {metadata: {}}",
        "1:8: spec.metadata: unknown key here; it belongs in the document itself",
    ),
    (
        "unknown key, like nothing",
        "zonk: 1",
        "1:1: zonk: unknown key; the keys here are apiVersion, kind, metadata, spec",
    ),
    ("merge key", "<<: {a: 1}", "1:1: '<<': unknown key; the keys here are apiVersion, kind, metadata, spec"),
    (
        "duplicate key",
        "kind: Policy\nkind: Policy\n",
        "2:1: kind: written twice, first in line 1; remove one of the two",
    ),
    ("wrong version", "apiVersion: v2", "1:13: apiVersion: must be 'tidegate.dev/v1', not 'v2'"),
    ("wrong mode", "spec: {mode: fast}", "1:14: spec.mode: must be 'observe', 'recommend' or 'auto', not 'fast'"),
    ("number without a unit", "spec: {moves: {every: 300}}", f"1:23: spec.moves.every: 300 is not a duration; {UNIT}"),
    ("duration too long", "spec: {moves: {every: 2h}}", "1:23: spec.moves.every: must be from 10s to 1h, not 2h"),
    (
        "settle shorter than a lost drain",
        "spec: {moves: {settle: 5s}}",
        "1:24: spec.moves.settle.hpc: must be from 6s to 1h, not 5s",
    ),
    ("share above all", "spec: {moves: {atOnce: 101%}}", f"1:24: spec.moves.atOnce: {SHARE}, not '101%'"),
    (
        "negative floor",
        "spec: {pools: [{name: a, floor: {hpc: -1}}]}",
        "1:39: spec.pools[0].floor.hpc: must be 0 or more, not -1",
    ),
    (
        "half a node",
        "spec: {pools: [{name: a, floor: {hpc: 0.5}}]}",
        "1:39: spec.pools[0].floor.hpc: must be a whole number, not 0.5",
    ),
    (
        "cost of nothing",
        "spec: {pools: [{name: a, unmetCost: {hpc: 0}}]}",
        "1:43: spec.pools[0].unmetCost.hpc: must be above 0, not 0",
    ),
    (
        "not a finite number",
        "spec: {moves: {minGain: .inf}}",
        "1:25: spec.moves.minGain: must be a finite number, not inf",
    ),
    (
        "yes for true",
        "spec: {moves: {reserveAhead: yes}}",
        "1:30: spec.moves.reserveAhead: must be true or false, not 'yes'",
    ),
    ("no name", "spec:\n  pools:\n    - nodes: n1\n", "3:7: spec.pools[0].name: missing; add it"),
    (
        "number for a name",
        "spec: {pools: [{name: 7}]}",
        "1:23: spec.pools[0].name: must be text, not 7; put it in quotes",
    ),
    ("no pools", "spec: {pools: []}", "1:15: spec.pools: needs at least 1 item"),
    (
        "pools as a mapping",
        "spec: {pools: {name: a}}",
        "1:15: spec.pools: must be a list, not a mapping; begin each item with a dash",
    ),
    ("a key without a value", "spec:\n  pools:\n", "2:9: spec.pools: empty; give it a value, or remove the key"),
    ("a list for the document", "- a\n", "1:1: must be a mapping of keys to values, not a list"),
    (
        "an open bracket in a hostlist",
        "spec: {pools: [{name: a, nodes: 'n[1-'}]}",
        "1:33: spec.pools[0].nodes: 'n[1-' is not a hostlist such as gpu[001-064] or n1,n2",
    ),
    (
        "a template without quotes",
        "spec: {pools: [{name: a, kubernetesName: {name}}]}",
        "1:42: spec.pools[0].kubernetesName: must be text, not a mapping; put it in quotes",
    ),
    (
        "a template without a name",
        "spec: {pools: [{name: a, kubernetesName: n}]}",
        "1:42: spec.pools[0].kubernetesName: 'n' is not a name with {name} in it, such as {name}.example.org",
    ),
    (
        "a floor above its ceiling",
        "spec:\n  pools:\n  - name: a\n    floor: {hpc: 9}\n    ceiling: {hpc: 3}\n",
        "4:18: spec.pools[0].floor.hpc: 9 is above ceiling.hpc of 3; lower the one or raise the other",
    ),
    (
        "two pools of one name",
        "spec: {pools: [{name: a, nodes: n1}, {name: a, nodes: n2}]}",
        "1:45: spec.pools[1].name: a is already the name of number 1; give each its own name",
    ),
    (
        "a node in two pools",
        "spec:\n  pools:\n  - {name: a, nodes: 'n[01-10]'}\n  - {name: b, nodes: 'm1,n[10-12]'}\n",
        "4:22: spec.pools[1].nodes: n10 of pool b also in pool a; leave each node to one pool",
    ),
    (
        "some nodes in two pools",
        "spec:\n  pools:\n  - {name: a, nodes: 'n[01-10]'}\n  - {name: b, nodes: 'n[08-12]'}\n",
        "4:22: spec.pools[1].nodes: n08 and 2 more of pool b also in pool a; leave each node to one pool",
    ),
    (
        "one name within another's range",
        "spec:\n  pools:\n  - {name: a, nodes: 'n[1-4]'}\n  - {name: b, nodes: n3}\n",
        "4:22: spec.pools[1].nodes: n3 of pool b also in pool a; leave each node to one pool",
    ),
    (
        "ranges of three pools, each written otherwise",
        "spec:\n  pools:\n  - {name: a, nodes: 'n[1-2,4]'}\n  - {name: b, nodes: 'n[3,5]'}\n"
        "  - {name: c, nodes: 'm1,n[5-6]'}\n",
        "5:22: spec.pools[2].nodes: n5 of pool c also in pool b; leave each node to one pool",
    ),
    (
        "a Kubernetes node in two pools",
        "spec:\n  pools:\n  - {name: a, nodes: 'n[01-02]'}\n  - {name: b, nodes: '02', kubernetesName: 'n{name}'}\n",
        "4:44: spec.pools[1].kubernetesName: n02 of pool b also in pool a; leave each node to one pool",
    ),
    (
        "every node beside another pool",
        "spec:\n  pools:\n  - {name: a, nodes: 'n[01-10]'}\n  - {name: b}\n",
        "4:5: spec.pools[1]: b has every node, and there are other pools; give it nodes",
    ),
    (
        "too many nodes beside another pool",
        "spec:\n  pools:\n  - {name: a, nodes: 'n[1-100001]'}\n  - {name: b, nodes: m1}\n",
        "3:22: spec.pools[0].nodes: 'n[1-100001]' is no hostlist of at most 100000 nodes",
    ),
    (
        "falling horizons",
        "spec: {forecast: {horizons: [1h, 5m]}}",
        "1:29: spec.forecast.horizons: must rise, each one once, not 1h, 5m",
    ),
    (
        "a second document",
        "kind: Policy\n---\nkind: Policy\n",
        "2:1: a second document begins here; keep one policy in one file",
    ),
    ("nothing", "", "1:1: the document is empty; write a policy into it"),
    ("only a comment", "# later\n", "1:1: the document is empty; write a policy into it"),
    ("a tab", "spec:\n\tmode: auto\n", "2:1: a tab stands where YAML wants spaces; replace it by spaces"),
    ("an open quote", "kind: 'Policy", f"1:14: not valid YAML here (found unexpected end of stream); {LOOK}"),
    ("text after a brace", "spec: {name}.org", f"1:13: not valid YAML here; {LOOK}"),
    ("a control character", "kind: Pol\x00icy", "1:10: the character '\\x00' is not allowed in YAML; remove it"),
    (
        "a Python tag",
        "!!python/object/apply:os.system [id]",
        "1:1: the tag !!python/object/apply:os.system is refused, as all are; remove it, and put text in quotes",
    ),
    (
        "a tag of one's own",
        "spec: !mine {}",
        "1:7: spec: the tag !mine is refused, as all are; remove it, and put text in quotes",
    ),
    ("an anchor", "spec: &a {}", "1:7: spec: the anchor &a is refused, as all are; write the value out"),
    (
        "a template of a chart",
        "spec:\n  mode: {{ .Values.mode }}\n",
        "2:10: spec.mode: a key must be a word; text that begins with { or [ needs quotes",
    ),
    (
        "an escape that is none",
        'kind: "\\UFFFFFFFF"',
        "1:1: an escape or a number near here cannot be read; write it in another way",
    ),
]


@pytest.mark.parametrize(("text", "line"), [pytest.param(text, line, id=name) for name, text, line in BAD])
def test_one_mistake_is_one_clear_line(text: str, line: str):
    assert problems(text) == [line]


TAKEOVER = """spec:
  pools: [{{name: a}}]
  takeovers: [{{name: t, side: hpc, pool: {pool}, nodes: all, schedule: "{when}", duration: 1h}}]
"""


def test_a_takeover_names_a_pool_that_exists():
    (line,) = problems(TAKEOVER.format(pool="b", when="0 0 * * *"))
    assert line.endswith("spec.takeovers[0].pool: no pool is called b; write one of a")


def test_an_impossible_date_is_refused_where_it_stands():
    (line,) = problems(TAKEOVER.format(pool="a", when="0 0 31 2 *"))
    assert line.endswith("spec.takeovers[0].schedule: no such date: Feb never has a day 31")


@pytest.mark.parametrize(
    ("hooks", "told"),
    [
        ("{before: {}}", "spec.pools[0].hooks.before: has neither a url nor a command; write one of them"),
        ("{before: {url: 'http://a', command: [/a]}}", "spec.pools[0].hooks.before.command: there is a url, too;"),
        ("{before: {url: 'http://a', timeout: 11s}}", "spec.pools[0].hooks.before.timeout: must be from 1s to 10s for"),
        ("{before: {command: [a]}}", "spec.pools[0].hooks.before.command: 'a' is no program; write its absolute path"),
        ("{before: {command: /a b}}", "spec.pools[0].hooks.before.command: must be a list, not '/a b'"),
        ("{before: {command: [/a, '{x}']}}", "spec.pools[0].hooks.before.command: there is no {x} to put into '{x}';"),
        ("{before: {url: u}}", "spec.pools[0].hooks.before.url: 'u' is not an address such as"),
        ("{after: {url: 'http://a:0'}}", "spec.pools[0].hooks.after.url: 'http://a:0' is no address: its port or its"),
        ("{after: {url: 'http://a', timeout: 0s}}", "spec.pools[0].hooks.after.timeout: must be from 1s to 10m, not"),
        ("{befor: {url: 'http://a'}}", "spec.pools[0].hooks.befor: unknown key; did you mean before?"),
        ("{before: http://a}", "spec.pools[0].hooks.before: must be a mapping of keys to values, not 'http://a'"),
    ],
)
def test_a_wrong_hook_is_told_where_it_stands(hooks: str, told: str):
    (line,) = problems(f"spec: {{pools: [{{name: a, hooks: {hooks}}}]}}")
    assert line.partition(": ")[2].startswith(told)


def test_every_mistake_is_told_at_once_sorted_by_line():
    text = """\
kind: Policy
kind: Policy
spec:
  mode: fast
  pools:
    - name: a
      floor: {hpc: 9}
      ceiling: {hpc: 3, kubernets: 4}
    - {name: a}
  moves: {minGian: 1, every: 300, dwell: &d 5m, settle: *d}
  takeovers:
    - {name: t, side: hpc, pool: b, nodes: all, schedule: "0 0 * * *", duration: 1h}
"""
    paths = [line.split(": ")[0] + " " + line.split(": ")[1] for line in problems(text)]
    assert paths == [
        "2:1 kind",
        "4:9 spec.mode",
        "7:20 spec.pools[0].floor.hpc",
        "8:25 spec.pools[0].ceiling.kubernets",
        "9:7 spec.pools[1]",
        "9:14 spec.pools[1].name",
        "10:11 spec.moves.minGian",
        "10:30 spec.moves.every",
        "10:42 spec.moves.dwell",
        "10:57 spec.moves.settle",
        "12:34 spec.takeovers[0].pool",
    ]


SEVERAL = """spec:
  pools:
    - {name: a, nodes: 'n[1-4]'}
    - {name: b, nodes: 'm[1-4]'}
    - {name: c, nodes: 'k[1-4]'}
  takeovers:
    - {name: s, side: hpc, pool: c, nodes: all, schedule: "0 0 * * *", duration: 1h}
    - {name: t, side: hpc, pool: c, nodes: all, schedule: "0 9 * * *", duration: 1h}
"""
MISTAKES = {  # by what each is: what is written instead of what, and where it is told
    "mode": ("spec:\n", "spec:\n  mode: fast\n", "spec.mode"),
    "two pools of one name": ("{name: b,", "{name: a,", "spec.pools[1].name"),
    "a node in two pools": ("m[1-4]", "n[4-7]", "spec.pools[1].nodes"),
    "a takeover of no pool": ("s, side: hpc, pool: c", "s, side: hpc, pool: z", "spec.takeovers[0].pool"),
    "two takeovers of one name": ("{name: t,", "{name: s,", "spec.takeovers[1].name"),
    "a takeover that comes too often": ("0 9 * * *", "*/30 9 * * *", "spec.takeovers[1].schedule"),
    "floors above the hostlist": ("n[1-4]'", "n[1-4]', floor: {hpc: 3, kubernetes: 2}", "spec.pools[0].floor"),
    "ceilings below the hostlist": ("m[1-4]'", "m[1-4]', ceiling: {hpc: 1, kubernetes: 2}", "spec.pools[1].ceiling"),
    "a floor above its ceiling": ("k[1-4]'", "k[1-4]', floor: {hpc: 3}, ceiling: {hpc: 2}", "spec.pools[2].floor.hpc"),
    "a hostlist that is too large": ("k[1-4]", "k[1-100001]", "spec.pools[2].nodes"),
    "a hostlist that is none": ("k[1-4]", "k[4-", "spec.pools[2].nodes"),
    "an unknown key": ("{name: b,", "{zonk: 1, name: b,", "spec.pools[1].zonk"),
    "a hook": ("{name: c,", "{name: c, hooks: {before: 7},", "spec.pools[2].hooks.before"),
}


PAIRS = [
    (one, other)
    for one, other in combinations(MISTAKES, 2)
    if MISTAKES[other][0] in SEVERAL.replace(*MISTAKES[one][:2])  # not in one and the same place
]


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_of_any_two_mistakes_both_are_told_and_nothing_else(pair: tuple[str, str]):
    text, paths = SEVERAL, set()
    for name in pair:
        before, after, path = MISTAKES[name]
        text = text.replace(before, after)
        paths.add(path)
    assert {line.split(": ")[1] for line in problems(text)} == paths


def test_no_message_speaks_of_the_library_that_validates():
    for _, text, _ in BAD:
        told = "\n".join(problems(text)).lower()
        assert not any(word in told for word in ("pydantic", "http", "input should", "value error", "tuple", "dict"))


def test_nothing_in_a_policy_can_steer_the_terminal_or_add_a_line():
    hostile = '"\\x1b[2J\\nx"'
    texts = [f"spec: {{mode: {hostile}}}", f"{hostile}: 1", f"metadata: {{name: {hostile}}}", "spec: !a%1B%0Ab {}"]
    for text in texts:
        (line,) = problems(text)
        assert line.isprintable()


def test_a_flood_of_mistakes_is_cut_short():
    lines = problems("\n".join(f"k{number}: 1" for number in range(3000)))
    assert len(lines) == MISTAKES_MOST + 1
    assert lines[-1] == " and more; mend these first"


LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1},' * 9}]\n" for n in range(1, 12))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(LAUGHS, id="laughs"),
        pytest.param("[" * 10_000, id="brackets"),
        pytest.param("a: " + "{a: " * 10_000, id="braces"),
        pytest.param("- " * 10_000, id="dashes"),
        pytest.param("? " * 10_000, id="question marks"),
        pytest.param("? [" * 10_000, id="lists as keys"),
        pytest.param("a: 1\na: " + "[" * 10_000, id="a duplicate that is deep"),
        pytest.param("x" * (BYTES_MOST + 1), id="too large"),
        pytest.param("%YAML " + "9" * 6000 + ".1\n---\na: 1", id="a version of many digits"),
    ],
)
def test_bombs_are_refused_with_little_work(text: str):
    problems("kind: 1")  # what is imported and compiled once is not counted
    before = time.process_time()
    assert problems(text)
    assert time.process_time() - before < (0.1 if "&" in text else 0.5)


def test_many_values_are_refused_before_they_take_long():
    assert "keys and values" in problems("[" + "a," * 400_000 + "]")[-1]


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        pytest.param(b"kind: Policy\n# caf\xe9\n", ":2:6: not UTF-8 text; save the file as UTF-8", id="Latin-1"),
        pytest.param(b"#" * (BYTES_MOST + 1), ":1:1: larger than 1 MiB, which no policy needs", id="too large"),
    ],
)
def test_bytes_that_are_no_policy(tmp_path: Path, raw: bytes, told: str):
    path = tmp_path / "p.yaml"
    path.write_bytes(raw)
    with pytest.raises(BadDocument) as refused:
        read_policy(path)
    assert str(refused.value) == f"{path}{told}"


def test_a_file_is_read(tmp_path: Path):
    path = tmp_path / "p.yaml"
    path.write_text(SAMPLE)
    assert read_policy(path) == parse_policy(SAMPLE, "sample")


@pytest.mark.parametrize("name", ["", "absent.yaml"])
def test_a_file_that_cannot_be_read_says_so(tmp_path: Path, name: str):
    with pytest.raises(BadInput, match=r"cannot be read: .*give the path of a policy file"):
        read_policy(tmp_path / name)


_WORDS = [
    "spec",
    "pools",
    "name",
    "moves",
    ":",
    "-",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a",
    "*a",
    "!!x",
    "'",
    "|",
    ">",
    "?",
    "#",
    "5m",
    "no",
    "1e9",
    "\\x",
    "\ufeff",
]
_PIECES = [*_WORDS, '"', ": ", "\n", "  ", "- ", "---\n", "...\n", "%YAML 1.1\n", "\t", "\r", "\0"]


def refusal(text: str) -> tuple[Problem, ...]:
    """What is wrong with a text; nothing when it is a policy. Any error but BadDocument is a failure."""
    try:
        policy = parse_policy(text, "p.yaml")
    except BadDocument as error:
        return error.problems
    assert isinstance(policy, Policy)
    return ()


@settings(max_examples=300)
@given(st.one_of(st.text(), st.lists(st.sampled_from(_PIECES), max_size=60).map("".join)))
def test_any_text_is_a_policy_or_bad_input(text: str):
    assert all(problem.what for problem in refusal(text))


@settings(max_examples=200)
@given(st.integers(0, len(SAMPLE)), st.integers(0, 12), st.sampled_from(_PIECES))
def test_any_damage_to_a_policy_gives_a_policy_or_bad_input(start: int, length: int, piece: str):
    found = refusal(SAMPLE[:start] + piece + SAMPLE[start + length :])
    assert all(problem.line >= 1 and problem.column >= 1 for problem in found)
    assert list(found) == sorted(found)


_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0xD7FF, exclude_characters="\x7f"), max_size=20)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(_TEXT, _JSON, min_size=1, max_size=4))
def test_json_is_read_as_json(data: dict[str, object]):
    assert read_tree(json.dumps(data)).data == data
