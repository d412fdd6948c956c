"""Objects of a service that belong to a running instance."""

import pytest

from libs.kit.kit import State


class Cache:
    pass


def test_get_or_create_returns_first_object():
    state = State()

    first = state.get_or_create(Cache, Cache)

    assert state.get_or_create(Cache, Cache) is state.get(Cache) is first


def test_put_replaces_object():
    state = State()
    state.put(Cache, Cache())

    newer = state.put(Cache, Cache())

    assert state.get(Cache) is newer


def test_get_raises_without_object():
    with pytest.raises(LookupError, match="the state has no Cache"):
        State().get(Cache)


def test_instances_share_nothing():
    first, second = State(), State()

    assert first.get_or_create(Cache, Cache) is not second.get_or_create(Cache, Cache)
