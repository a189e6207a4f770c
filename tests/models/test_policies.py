"""The declaration of the policy: counts, bounds, schedules, defaults."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from models.fields import nodes_of
from models.hooks import HookCall, Hooks
from models.nodes import Side
from models.policies import MovesPolicy, Policy, PoolPolicy, Shares, Weights
from models.pools import PoolInKubernetes
from models.schedules import check_schedule


@pytest.mark.parametrize(
    ("count", "pool", "nodes"), [(8, 64, 8), ("25%", 64, 16), ("25%", 3, 1), ("1%", 10, 1), ("100%", 7, 7)]
)
def test_counts_and_shares(count: int | str, pool: int, nodes: int):
    assert nodes_of(count, pool) == nodes


@pytest.mark.parametrize("count", [0, -1, True, 1.0, "0%", "101%", "007%", "25", "", None, 10**7])
def test_what_is_no_count_is_refused(count: object):
    with pytest.raises(ValidationError, match="number of nodes"):
        MovesPolicy(at_once=count)


@pytest.mark.parametrize(
    ("floor", "ceiling", "bounds"),
    [
        pytest.param({"hpc": 0, "kubernetes": 0}, {}, (0, 64), id="anything goes"),
        pytest.param({}, {}, (3, 61), id="a share of the pool for each side, unless told otherwise"),
        pytest.param({"kubernetes": 0}, {}, (0, 61), id="one side may lose all"),
        pytest.param({"kubernetes": 63}, {}, (63, 63), id="what is not written gives way to a floor"),
        pytest.param({"kubernetes": 64}, {}, (64, 64), id="and entirely"),
        pytest.param({}, {"hpc": 2}, (62, 62), id="and to its own ceiling"),
        pytest.param({}, {"hpc": 0}, (64, 64), id="and entirely to a ceiling of none"),
        pytest.param({"hpc": 8, "kubernetes": 8}, {}, (8, 56), id="floors"),
        pytest.param({}, {"hpc": 40}, (24, 61), id="a ceiling of HPC is a floor of Kubernetes"),
        pytest.param({}, {"kubernetes": 40}, (3, 40), id="a ceiling of Kubernetes"),
        pytest.param({"kubernetes": 16}, {"kubernetes": 16}, (16, 16), id="fixed"),
        pytest.param({}, {"hpc": 100}, (3, 61), id="a ceiling above the pool"),
    ],
)
def test_bounds(floor: dict[str, int], ceiling: dict[str, int], bounds: tuple[int, int]):
    assert PoolPolicy(name="a", floor=Shares(**floor), ceiling=Shares(**ceiling)).bounds(64) == bounds


def test_bounds_that_leave_no_split_are_an_error():
    pool = PoolPolicy(name="a", floor=Shares(hpc=8, kubernetes=8))
    assert pool.bounds(16) == (8, 8)
    with pytest.raises(ValueError, match="leave no split of its 15 nodes"):
        pool.bounds(15)


_LIMIT = st.none() | st.integers(0, 20)


@given(_LIMIT, _LIMIT, _LIMIT, _LIMIT, st.integers(1, 20))
def test_bounds_are_exactly_the_splits_that_no_floor_or_ceiling_forbids(f_hpc, f_k8s, c_hpc, c_k8s, pool_nodes):
    def allowed(kubernetes: int) -> bool:
        return all(
            (floor is None or floor <= has) and (ceiling is None or has <= ceiling)
            for has, floor, ceiling in ((pool_nodes - kubernetes, f_hpc, c_hpc), (kubernetes, f_k8s, c_k8s))
        )

    splits = [kubernetes for kubernetes in range(pool_nodes + 1) if allowed(kubernetes)]
    try:
        floor, ceiling = Shares(hpc=f_hpc, kubernetes=f_k8s), Shares(hpc=c_hpc, kubernetes=c_k8s)
        low, high = PoolPolicy(name="a", floor=floor, ceiling=ceiling).without_usual_floors().bounds(pool_nodes)
    except ValueError:
        assert not splits
    else:
        assert splits == list(range(low, high + 1))


@pytest.mark.parametrize(
    ("pool_nodes", "each"), [(0, 0), (1, 0), (2, 1), (20, 1), (39, 1), (40, 2), (100, 5), (2000, 100)]
)
def test_a_side_keeps_one_node_or_a_twentieth_of_the_pool_where_no_floor_is_written(pool_nodes: int, each: int):
    assert PoolPolicy(name="a").bounds(pool_nodes) == (each, pool_nodes - each)


@given(_LIMIT, _LIMIT, _LIMIT, _LIMIT, st.integers(1, 100))
def test_a_floor_that_is_not_written_leaves_the_splits_that_there_were(f_hpc, f_k8s, c_hpc, c_k8s, pool_nodes):
    try:
        floor, ceiling = Shares(hpc=f_hpc, kubernetes=f_k8s), Shares(hpc=c_hpc, kubernetes=c_k8s)
        pool = PoolPolicy(name="a", floor=floor, ceiling=ceiling)
        low, high = pool.without_usual_floors().bounds(pool_nodes)
    except ValueError:
        return
    assert low <= pool.bounds(pool_nodes)[0] <= pool.bounds(pool_nodes)[1] <= high


@pytest.mark.parametrize(
    ("text", "share"), [("1%", 0.01), ("0.5%", 0.005), ("0.001%", 0.00001), ("1.25%", 0.0125), ("50%", 0.5)]
)
def test_a_service_level_is_a_share_and_is_written_as_one(text: str, share: float):
    level = PoolInKubernetes(unmet_at_most=text)
    assert level.unmet_at_most == pytest.approx(share, rel=1e-12)
    assert level.model_dump(mode="json", by_alias=True)["unmetAtMost"] == text


@pytest.mark.parametrize("text", ["0%", "0.0%", "51%", "100%", "-1%", "1", 0.01, 1, "1 %", "0.0001%", "1.%", True])
def test_what_is_no_service_level_is_refused(text: object):
    with pytest.raises(ValidationError, match=r"a share from 0\.001% to 50%, such as 1%"):
        PoolInKubernetes(unmet_at_most=text)


@pytest.mark.parametrize(
    ("hpc", "kubernetes", "at_most", "ok"),
    [
        pytest.param(1.0, 1.0, "1%", True, id="the least"),
        pytest.param(1.0, 100.0, "1%", True, id="the most"),
        pytest.param(2.0, 1.0, "1%", False, id="less than HPC's"),
        pytest.param(1.0, 101.0, "1%", False, id="more than a hundred times HPC's"),
        pytest.param(2.0, 1.0, None, True, id="without a level any cost may be written"),
    ],
)
def test_where_a_price_that_follows_may_begin(hpc: float, kubernetes: float, at_most: str | None, ok: bool):
    def made() -> PoolPolicy:
        cost = Weights(hpc=hpc, kubernetes=kubernetes)
        return PoolPolicy(name="a", unmet_cost=cost, kubernetes=PoolInKubernetes(unmet_at_most=at_most))

    if ok:
        assert made().unmet_cost.kubernetes == kubernetes
        return
    with pytest.raises(ValidationError, match="where unmetAtMost is written it must be from"):
        made()


def test_at_another_price_all_else_stays():
    pool = PoolPolicy(name="a", floor=Shares(hpc=3), unmet_cost=Weights(hpc=2.0, kubernetes=6.0))
    assert pool.at_price(7.0).unmet_cost == Weights(hpc=2.0, kubernetes=7.0)
    assert pool.at_price(7.0).at_price(6.0) == pool


def test_weights_by_side():
    assert (Weights().of(Side.HPC), Weights().of(Side.KUBERNETES)) == (1.0, 3.0)


GOOD_SCHEDULES = ["* * * * *", "0 18 * * FRI", "0 18 * * fri", "*/15 0-6,22-23 1-15/2 jan-mar,12 0,7", "0 0 29 2 *",
                  "0 0 31 1,2 *", "0  0\t1 * MON-FRI", "59 23 31 DEC SAT"]  # fmt: skip


@pytest.mark.parametrize("text", GOOD_SCHEDULES)
def test_schedules(text: str):
    assert check_schedule(text) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "five fields"),
        ("@daily", "five fields"),
        ("0 0 * * * *", "five fields.*not 6"),
        ("60 * * * *", "minute '60' is not from 0 to 59"),
        ("0 24 * * *", "hour '24' is not from 0 to 23"),
        ("0 0 0 * *", "day of the month '0' is not from 1 to 31"),
        ("0 0 * 13 *", "month '13' is not from 1 to 12 or JAN to DEC"),
        ("0 0 * * 8", "day of the week '8' is not from 0 to 7 or SUN to SAT"),
        ("0 0 * MON *", "month 'MON' is not"),
        ("5-1 * * * *", "runs backwards"),
        ("0 0 * * FRI-MON", "runs backwards"),
        ("*/0 * * * *", "step outside 1 to 59"),
        ("*/60 * * * *", "step outside 1 to 59"),
        ("5/10 * * * *", "step after one value"),
        ("1, * * * *", "minute '' is not"),
        ("0 0 L * *", "day of the month 'L' is not"),
        ("0 0 ? * *", "is not"),
        ("-1 * * * *", "is not"),
        ("٣ * * * *", "is not"),
        ("0 0 31 2 *", "no such date: Feb never has a day 31"),
        ("0 0 31 FEB,APR,JUN *", "no such date: Feb, Apr, Jun never has a day 31"),
        ("0 0 30-31 2 *", "never has a day 30"),
        (" ".join(["1,1,1,1,1,1,1,1,1,1,1"] * 5), "at most 100 characters"),
        (5, "text of five cron fields"),
    ],
)
def test_schedules_that_never_come_true(text: object, told: str):
    with pytest.raises(ValueError, match=told):
        check_schedule(text)


@given(st.text(st.sampled_from("0123456789*/-, FRIJAN"), max_size=30))
def test_any_text_is_a_schedule_or_a_value_error(text: str):
    with contextlib.suppress(ValueError):
        assert check_schedule(text) == text


GOOD_ADDRESSES = [
    "http://a",
    "https://hooks.example.org:8443/prepare?site=a&b=%20",
    "http://[::1]:8080/",
    "http://10.0.0.1/",
]


@pytest.mark.parametrize("url", GOOD_ADDRESSES)
def test_addresses_of_hooks(url: str):
    assert HookCall(url=url).timeout_s == HookCall(url=url, timeout="5s").timeout_s


BAD_ADDRESSES = ["", "a", "ftp://a", "http:/a", "http://", "http://a b", "http://a/#x", "http://u:p@a/", "http://a:0",
                 "http://a:65536", "http://a:port", "http://[::1", "http://[1::2::3]", "http://a/\nb", "HTTP://a", 5,
                 None, "http://a/" + "x" * 2048]  # fmt: skip


@pytest.mark.parametrize("url", BAD_ADDRESSES)
def test_what_is_no_address_is_refused(url: object):
    with pytest.raises(ValidationError):
        HookCall(url=url)


@pytest.mark.parametrize(
    ("call", "timeout_s"),
    [
        (HookCall(url="http://a"), 5),
        (HookCall(url="http://a", timeout="10s"), 10),
        (HookCall(command=["/bin/convert", "--to={direction}", "{node}"]), 300),
        (HookCall(command=["/bin/convert"], timeout="10m"), 600),
    ],
)
def test_how_long_a_hook_may_take(call: HookCall, timeout_s: int):
    assert call.timeout_s == timeout_s


BAD_COMMANDS = {
    "no list": "/bin/convert {node}",
    "nothing": [],
    "a program without a path": ["convert"],
    "a program beside the policy": ["./convert"],
    "a program that a node names": ["/opt/{node}"],
    "a place that there is not": ["/bin/convert", "{nod}"],
    "an empty word": ["/bin/convert", ""],
    "two lines": ["/bin/convert", "a\nb"],
    "a NUL": ["/bin/convert", "a\0b"],
    "a number": ["/bin/convert", 7],
    "too many words": ["/bin/convert", *"x" * 64],
}


@pytest.mark.parametrize("command", BAD_COMMANDS.values(), ids=BAD_COMMANDS.keys())
def test_what_is_no_command_is_refused(command: object):
    with pytest.raises(ValidationError):
        HookCall(command=command)


@pytest.mark.parametrize("argument", ["{", "{}", '{"a": 1}', "$(reboot); `x`", "{{node}}", "-x{node}{site}", " "])
def test_words_may_have_braces_that_name_nothing(argument: str):
    assert HookCall(command=["/bin/convert", argument]).command == ("/bin/convert", argument)


def test_a_pool_has_no_hooks_unless_they_are_given_and_reads_back_with_them():
    assert PoolPolicy(name="a").hooks == Hooks() == Hooks(before=None, after=None)
    after = HookCall(url="http://a", timeout="7s")
    pool = PoolPolicy(name="a", hooks=Hooks(before=HookCall(command=["/bin/convert", "{node}"]), after=after))
    assert PoolPolicy.model_validate(json.loads(pool.model_dump_json(by_alias=True)), by_name=False) == pool


def _models(model: type[BaseModel]) -> list[type[BaseModel]]:
    children = [child for child in model.__pydantic_fields__.values() if isinstance(child.annotation, type)]
    return [model, *(m for c in children if issubclass(c.annotation, BaseModel) for m in _models(c.annotation))]


@pytest.mark.parametrize("model", [*_models(Policy), *_models(PoolPolicy), HookCall], ids=lambda model: model.__name__)
def test_every_field_says_what_it_means(model: type[BaseModel]):
    assert [name for name, field in model.model_fields.items() if not (field.description or "").endswith(".")] == []


def test_a_policy_is_frozen_and_reads_back_from_what_it_writes():
    policy = Policy()
    with pytest.raises(ValidationError):
        policy.spec.moves.every = 1
    assert Policy.model_validate(json.loads(policy.model_dump_json(by_alias=True)), by_name=False) == policy


def test_code_may_use_the_names_of_attributes():
    assert MovesPolicy(look_ahead="3h", min_gain=1).look_ahead == 3 * 3600
