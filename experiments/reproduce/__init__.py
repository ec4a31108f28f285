"""Reproduction: the tables of a paper, row by row, beside what our recipes have of them.

    study (a folder) -> recipes (sweep sheets) -> rows (cells) -> results beside what was published

A row is a cell of a sweep whose experiment says what was published of it; it is trained as a cell
of any sweep is.
"""
