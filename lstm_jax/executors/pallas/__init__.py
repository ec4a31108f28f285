"""The two kernels of the `pallas_tpu` executor, and what they keep where."""
