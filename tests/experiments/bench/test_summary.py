import pytest

from experiments.bench.summary import summarise
from tests.experiments.bench.fabricated import BIG, ONE, results


def versus(rival: str, way: str) -> dict:
    return summarise(results())["times_as_fast_as"][rival][way]


def test_against_the_best_of_each_shape_as_its_users_run_it() -> None:
    found = versus("best JAX peer, one device", "gradient")
    assert found["by_shape"] == {str(BIG): 6 / 2, str(ONE): 3 / 4}
    assert found["geometric_mean"] == pytest.approx((3 * 0.75) ** 0.5)
    assert (found["worst"], found["worst_shape"]) == (0.75, str(ONE))


def test_against_the_best_with_the_batch_shared_out_where_it_can_be() -> None:
    assert versus("best JAX peer, batch sharded", "gradient")["by_shape"] == {
        str(BIG): 5 / 2,
        str(ONE): 3 / 4,
    }
    assert versus("best JAX peer, batch sharded", "forward")["by_shape"][str(BIG)] == 0.5


def test_against_torch() -> None:
    found = versus("torch", "gradient")
    assert found["geometric_mean"] == pytest.approx((2 * 9) ** 0.5)
    assert versus("torch", "forward")["worst"] == 1.0


def test_a_peer_that_was_not_measured_is_left_out() -> None:
    shapes = [
        result.__class__(**(vars(result) | {"rows": result.rows[:3]})) for result in results()[:1]
    ]
    assert summarise(shapes)["times_as_fast_as"].keys() == {"torch"}


def test_shares_of_the_ceiling() -> None:
    found = summarise(results())["share_of_ceiling"]
    assert found[str(BIG)]["lstm_jax fused"]["gradient"] == pytest.approx(0.8)
    assert found[str(BIG)]["lstm_jax checkpointed"]["gradient"] == pytest.approx(0.4)
    ratio = found[str(BIG)]["lstm_jax fused"]["forward"] / 0.8
    assert ratio == pytest.approx(2 * BIG.forward_flops / BIG.gradient_flops)


def test_compile_time_of_fused_over_scan() -> None:
    found = summarise(results())["compile_fused_over_scan"]
    assert found["by_shape"] == {str(BIG): 2.0, str(ONE): 0.25}
    assert (found["geometric_mean"], found["worst"]) == (pytest.approx(0.5**0.5), 2.0)
