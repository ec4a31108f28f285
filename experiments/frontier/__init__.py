"""The lag frontier: how long a lag each model bridges, on several tasks.

    study (a sweep file) -> rungs (a lag of every task) -> results -> table, picture

A study is a sweep whose cells differ in the lag of a task, in the model, and in what else there is
to choose, such as the learning rate, of which the best counts. It is climbed from the shortest lag
to the longest; a model none of whose seeds solved a lag is taken no further on that task.
"""
