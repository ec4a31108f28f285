"""`python -m experiments bench`: layers, training and memory, side by side with other frameworks.

Only ratios of one run count: the speed of a machine drifts, and the entries of a run are measured
in turn, in another order every round.
"""
