"""Figures: a file a picture, each a pure function from arrays to a matplotlib Figure.

style.py        colours, sizes, fonts: what makes them one family
curves.py       what was learnt, over the sequences seen
seeds.py        sequences to solve, seed by seed
flow.py         the gradient on its way back through time
gates.py        what the gates and states do while a sequence passes
characters.py   the same under the characters of a text
gate_course.py  how open the gates were while it was trained
scales.py       how long each unit remembers
recall.py       how far back the states know their inputs
"""
