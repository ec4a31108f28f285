"""Sweeps: a config trained in many settings, as few programs, on an engine that is there already.

    sheet (a YAML file) -> cells -> trials (one program each) -> schedule, on an engine -> results

A cell is one point of the sweep. Cells that one program can train share a trial; a trial is run by
`python -m experiments run` in a process of its own, in a directory that is named by its config.
"""
