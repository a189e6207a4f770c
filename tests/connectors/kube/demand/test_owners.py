"""Ownership: the way to the top, through what is known and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kube.demand.owners import DEPTH_MOST, Owners
from connectors.kube.wire.meta import Metadata, OwnerReference


def owners(**controllers: str) -> Owners:
    return Owners({uid: meta(uid, owner) for uid, owner in controllers.items()})


def meta(uid: str, owner: str = "", *, controller: bool | None = True) -> Metadata:
    references = (OwnerReference(uid=owner, controller=controller),) if owner else ()
    return Metadata(uid=uid, owner_references=references)


@pytest.mark.parametrize(
    ("known", "one", "chain"),
    [
        pytest.param({"pod": ""}, meta("pod"), ["pod"], id="nobody owns it"),
        pytest.param({"job": "cron", "cron": ""}, meta("pod", "job"), ["pod", "job", "cron"], id="to the top"),
        pytest.param({}, meta("pod", "replicaset"), ["pod", "replicaset"], id="an owner that is not known is the top"),
        pytest.param({"job": ""}, meta("pod", "job", controller=False), ["pod"], id="an owner that controls nothing"),
        pytest.param({"job": ""}, meta("pod", "job", controller=None), ["pod"], id="an owner that says nothing of it"),
        pytest.param({"a": "a"}, meta("a", "a"), ["a"], id="its own owner"),
        pytest.param({"a": "b", "b": "a"}, meta("b", "a"), ["b", "a"], id="a ring, from within"),
        pytest.param({"b": "c", "c": "b"}, meta("a", "c"), ["a", "b"], id="a ring, from without"),
    ],
)
def test_the_way_to_the_top(known: dict[str, str], one: Metadata, chain: list[str]):
    found = owners(**known)
    assert list(found.chain(one)) == chain
    assert found.top(one) == chain[-1]


@pytest.mark.parametrize(
    ("of", "owner", "chain"),
    [
        ("mine", "mine", ["pod", "job"]),
        ("mine", "yours", ["pod"]),
        ("mine", "", ["pod", "job"]),
        ("", "yours", ["pod"]),
    ],
    ids=["in its namespace", "in another", "of the cluster", "of what is the cluster's"],
)
def test_an_owner_in_another_namespace_is_none(of: str, owner: str, chain: list[str]):
    found = Owners({"job": Metadata(uid="job", namespace=owner)})
    pod = Metadata(uid="pod", namespace=of, owner_references=(OwnerReference(uid="job", controller=True),))
    assert list(found.chain(pod)) == chain


def test_a_way_that_somebody_made_very_long_costs_no_more_than_a_usual_one():
    """Of pods that own one another each would have all others above it."""
    found = owners(**{f"p{i}": f"p{i + 1}" for i in range(5000)})
    assert max(len(found.chain(meta(f"p{i}", f"p{i + 1}"))) for i in range(5000)) == DEPTH_MOST


def test_a_piece_is_named_after_its_top_owner_and_told_apart_by_its_own_uid():
    found = owners(cron="", job="cron")
    assert found.piece(meta("job", "cron")) == "cron/job"
    assert found.piece(meta("cron")) == "cron"


UIDS = st.sampled_from("abcdefg")


@given(st.dictionaries(UIDS, st.one_of(st.just(""), UIDS)))
def test_whatever_owns_whatever_every_way_ends_and_those_of_one_way_have_one_top(controllers: dict[str, str]):
    found = owners(**controllers)
    for uid, owner in controllers.items():
        chain = found.chain(meta(uid, owner))
        assert chain[0] == uid
        assert len(set(chain)) == len(chain)
        if owner in controllers:
            assert found.top(meta(uid, owner)) == found.top(meta(owner, controllers[owner]))
