"""What a training step costs on a platform that may not be here: `python -m experiments compile`.

command.py     trace, lower and compile it, and tell
platforms.py   what there is to compile for
flops.py       matrix products counted in a program
costs.py       memory, FLOPs and time on a page
"""
