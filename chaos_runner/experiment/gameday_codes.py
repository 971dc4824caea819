"""What `explain` says about the codes of game days."""

from typing import Final

from chaos_runner.experiment.code import Code

GAMEDAY_CODES: Final = (
    Code("E501", "an item of an agenda that is none, or several",
         "Each item is exactly one of an experiment, a manual step, a question (`ask`) and a note.",
         "- experiment: experiments/01.yaml\n  note: the first one",
         "- note: the first one\n- experiment: experiments/01.yaml"),
    Code("E502", "a role that nobody has",
         "A question names roles that must each say go, and all of them must stand in `roles`: one that is misspelt\n"
         "would be asked of nobody.",
         "roles: {lead: Anna}\nagenda:\n  - {ask: All well?, of: [laed]}",
         "roles: {lead: Anna}\nagenda:\n  - {ask: All well?, of: [lead]}"),
    Code("E503", "an agenda without items, or with too many",
         "There is nothing to play, or more than two hundred items: no day is that long."),
    Code("E504", "an experiment that cannot be played",
         "The file is looked for from the game day's folder upwards, and must be valid, with the environment that the\n"
         "game day names: how long it may take is told to everybody before it begins."),
    Code("E505", "an experiment that may take longer than its time",
         "`at-most` is a promise to those who look on. The longest end of the experiment counts, as `plan` tells it:\n"
         "durations, pauses, timeouts, the undo and the recovery.",
         "- experiment: experiments/01.yaml\n  at-most: 10s", "- experiment: experiments/01.yaml\n  at-most: 5m"),
)
