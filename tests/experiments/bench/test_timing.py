import pytest

from experiments.bench import timing
from experiments.bench.timing import Timing, measure, milliseconds


class Clock:
    """A clock that calls set forward; `speed` is how fast the machine is now."""

    def __init__(self) -> None:
        self.now, self.speed = 0.0, 1.0
        self.made: list[str] = []

    def call(self, name: str, seconds: float):
        def run() -> None:
            self.made.append(name)
            self.now += seconds / self.speed

        return run


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock.now)
    return clock


def test_seconds_are_those_of_one_call(clock: Clock) -> None:
    calls = {"short": clock.call("short", 0.01), "long": clock.call("long", 2.0)}
    found = measure(calls, rounds=4)
    assert found["short"].seconds == pytest.approx([0.01] * 4)
    assert found["long"].seconds == pytest.approx([2.0] * 4)


def test_short_calls_are_repeated_and_warmed_up(clock: Clock) -> None:
    measure({"a": clock.call("a", 0.1)}, rounds=2)
    assert len(clock.made) == 2 + 2 * (1 + 3)
    clock.made.clear()
    measure({"b": clock.call("b", 1.0)}, rounds=2)
    assert len(clock.made) == 2 + 2 * 1


def test_every_round_has_all_and_another_order(clock: Clock) -> None:
    names = [*"abcdef"]
    measure({name: clock.call(name, 1.0) for name in names}, rounds=5)
    rounds = [clock.made[start : start + 6] for start in range(12, len(clock.made), 6)]
    assert [sorted(each) for each in rounds] == [names] * 5
    assert len({tuple(each) for each in rounds}) == 5


def test_ratios_hold_where_the_machine_slows_down(clock: Clock) -> None:
    def slower() -> None:
        clock.speed *= 0.9
        clock.now += 1.0

    calls = {"one": clock.call("one", 1.0), "two": clock.call("two", 2.0), "drift": slower}
    found = measure(calls, rounds=9)
    assert found["two"].median / found["one"].median == pytest.approx(2.0, rel=0.15)
    assert found["one"].seconds[-1] > 2 * found["one"].seconds[0]


def test_median_and_quartiles() -> None:
    found = Timing((5.0, 1.0, 2.0, 4.0, 3.0))
    assert (found.median, found.quartiles) == (3.0, (2.0, 4.0))
    assert Timing((2.0,)).quartiles == (2.0, 2.0)
    assert found.as_json() == {
        "median": 3.0,
        "quartiles": (2.0, 4.0),
        "rounds": (5.0, 1.0, 2.0, 4.0, 3.0),
    }


def test_the_spread_is_half_the_distance_of_the_quartiles() -> None:
    assert milliseconds(Timing((0.010, 0.008, 0.012, 0.009, 0.011))) == "10.0 ±10%"
