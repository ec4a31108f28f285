"""A page about one run or several, for people: what was learnt, and what it looks like inside.

reading.py      a run directory -> what is there, and sentences on what is missing
arms.py         one setting and its seeds: what pages tell of and compare
statistics.py   intervals of solve rates, tests of differences over seeds
probing.py      parameters before and after training, and what diagnostics find in them
story.py        the findings in sentences
figures/        a file a picture: arrays -> matplotlib Figure
pictures.py     which figures a page has, as SVG for it and as PNG beside it
page.py         templates/ -> one HTML file
command.py      the subcommand
"""
