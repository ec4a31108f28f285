"""A page about one run or several, for people: what was learnt, and what it looks like inside.

reading.py      a run directory -> what is there, and sentences on what is missing
arms.py         one setting and its seeds: what pages tell of and compare
statistics.py   intervals of solve rates, tests of differences over seeds
probing.py      parameters before and after training, and what diagnostics find in them
gather.py       paths of runs and sweeps -> what a report is about
parameters.py   those of a member, before and after training
course.py       what lines of metrics tell of the gates
story.py        the findings in sentences
sections/       a file a section of the page; whole.py has all of them, in order
figures/        a file a picture: arrays -> matplotlib Figure
album.py        keeps figures, as SVG for the page and as PNG beside it
page.py         templates/ -> one HTML file
command.py      the subcommand
"""
