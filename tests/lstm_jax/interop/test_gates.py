import numpy as np

from lstm_jax.interop.gates import gru_biases, lead, pack, reorder, split, total


def test_reordering_moves_whole_gates_and_back() -> None:
    packed = np.random.default_rng(0).normal(size=(2, 12))
    turned = reorder(packed, "ifgo", "igfo")
    np.testing.assert_array_equal(turned[:, 3:6], packed[:, 6:9])
    np.testing.assert_array_equal(turned[:, 6:9], packed[:, 3:6])
    np.testing.assert_array_equal(reorder(turned, "igfo", "ifgo"), packed)
    np.testing.assert_array_equal(pack(split(packed, "ifgo"), "ifgo"), packed)


def test_a_total_with_zero_has_the_bits_of_the_other() -> None:
    special = np.array([-0.0, 0.0, 1e-45, -1.5, np.inf, np.nan], "float32")
    for zero in (0.0, -0.0):
        zeros = np.full_like(special, zero)
        assert total(special, zeros).tobytes() == special.tobytes()
    zeros = np.zeros_like(special[2:])
    assert total(zeros, special[2:]).tobytes() == special[2:].tobytes()
    np.testing.assert_array_equal(total(zeros + 1, zeros + 2), zeros + 3)


def test_a_gru_keeps_two_biases_of_its_candidate() -> None:
    b_x, b_h = np.arange(6.0), 10 * np.arange(6.0)
    ours = gru_biases(b_x, b_h, "zrn")
    np.testing.assert_array_equal(ours["b"], [22, 33, 0, 11, 4, 5])
    np.testing.assert_array_equal(ours["b_u"], [40, 50])
    np.testing.assert_array_equal(lead(ours["b_u"], 3), [0, 0, 0, 0, 40, 50])
