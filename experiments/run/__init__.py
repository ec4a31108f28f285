"""A run: what `python -m experiments run` does from a config to a run directory.

run.py         the front door: begin, train, test, tell
begin.py       a new run, or one from the newest checkpoint of an old one
resume.py      which config may go on with which run
course.py      calls, lines of metrics, checkpoints, until the end or a signal
session.py     the compiled calls, and what is known of each member after them
signals.py     Ctrl-C and SIGTERM
directory.py   what a run leaves behind; logs.py, environment.py, curves.py: parts of it
describe.py    what it says in the terminal; progress.py: while it goes on
"""
