"""The simulation of queues, beside what is known about queues."""

from math import factorial
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.queueing import Station, capacity, sojourns


def erlang_c(servers: int, load: float) -> float:
    """The probability of having to wait in M/M/c (Erlang 1917); `load` is arrival rate times service time."""
    waits = load**servers / factorial(servers) * servers / (servers - load)
    return waits / (sum(load**each / factorial(each) for each in range(servers)) + waits)


def sojourn(servers: int, rate: float, seconds: float) -> float:
    """The mean time in M/M/c: the wait, and the service."""
    return erlang_c(servers, rate * seconds) / (servers / seconds - rate) + seconds


@pytest.mark.parametrize(("servers", "busy"), [(1, 0.5), (1, 0.7), (2, 0.7), (4, 0.8), (8, 0.6)])
def test_one_station_takes_as_long_as_erlang_says(servers: int, busy: float) -> None:
    rate = servers * busy
    assert mean(sojourns([Station(servers, 1)], rate, 40_000)) == pytest.approx(
        sojourn(servers, rate, 1), rel=0.05
    )


def test_stations_in_a_row_take_as_long_as_each_by_itself() -> None:
    """What leaves M/M/c is a Poisson process again (Burke 1956)."""
    stations = [Station(1, 1), Station(2, 1.5), Station(4, 3)]
    alone = sum(sojourn(each.servers, 0.7, each.seconds) for each in stations)
    assert mean(sojourns(stations, 0.7, 40_000)) == pytest.approx(alone, rel=0.05)


@settings(max_examples=30)
@given(st.lists(st.builds(Station, st.integers(1, 4), st.floats(0.1, 2)), min_size=1, max_size=4))
def test_nobody_leaves_before_everybody_who_came_has_been_served(stations: list[Station]) -> None:
    """Far above what they carry, complaints leave at the rate of the narrowest station."""
    count = 400
    rate = 1_000 * capacity(stations)
    worst = max(sojourns(stations, rate, count))
    assert worst == pytest.approx(count / capacity(stations), rel=0.5)


@settings(max_examples=30)
@given(st.builds(Station, st.integers(1, 4), st.floats(0.1, 2)), st.floats(0.1, 0.9), st.integers())
def test_one_more_server_makes_nobody_wait_longer(station: Station, busy: float, seed: int) -> None:
    rate = busy * station.capacity
    more = Station(station.servers + 1, station.seconds)
    fewer = sojourns([station], rate, 200, seed)
    assert sum(sojourns([more], rate, 200, seed)) <= sum(fewer) + 1e-9
