"""The sections of a page: a file each, from what was found to blocks of text, pictures and tables.

learnt.py     what was learnt: curves, seeds, how settings compare
gradient.py   how much of the gradient is left on its way back through time
gates.py      gates and states, in the course of training and while a sequence passes
memory.py     time scales, what states know of the past, what each gate is worth
making.py     what it cost, and how to repeat it
"""
