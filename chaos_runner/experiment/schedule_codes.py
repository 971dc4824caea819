"""What `explain` says about the codes of schedules."""

from typing import Final

from chaos_runner.experiment.code import Code

SCHEDULE_CODES: Final = (
    Code("E401", "a cron text that cannot be read",
         "Five fields: minute, hour, day of month, month, weekday, as Vixie's and Debian's cron read them. 0 and 7\n"
         "are Sunday. Also L, LW and 5#2 (the second Friday), names such as @daily, and + before the weekday where\n"
         "day of month and weekday must both match. Seconds, W and @reboot are not known.",
         'cron: "0 10 * *"', 'cron: "0 10 * * 1-5"'),
    Code("E402", "a time zone that is not known",
         "A schedule names a zone of the IANA database, and never goes by the machine's: who moves the machine would\n"
         "move the experiment.",
         "timezone: CEST", "timezone: Europe/Berlin"),
    Code("E403", "a schedule that says its times twice, not at all, or in parts that do not fit",
         "Exactly one of `cron`, `every` and `random`. `starting` belongs to `every`; `random` needs a `window`\n"
         "and has no `jitter`, as it is chance already.",
         'cron: "0 10 * * *"\nevery: 6h', 'cron: "0 10 * * *"'),
    Code("E404", "hours, days or dates that cannot be read",
         "Hours are `09:00-16:00`, days `business`, `mon-fri` or `[mon, thu]`, dates `2026-12-24`, and times\n"
         "`2026-12-24 18:00` by the wall of the schedule's zone.",
         "window: 9 to 4", "window: 09:00-16:00"),
    Code("E405", "a schedule that is never due",
         "Every occurrence of the next five years is skipped, or there is none. Most often a run may take longer than\n"
         "the window is open: its longest end counts, the undo included.",
         "window: 10:00-10:01", "window: 10:00-12:00"),
    Code("E406", "a calendar that is not known",
         "A country by its two letters, with its part where holidays differ (DE, DE-BE, US-NY), an exchange (NYSE,\n"
         "XETR), an iCal file or a date. The names are those of the package holidays, which comes with\n"
         "`pip install 'chaos-runner[calendars]'`. A calendar that is not known would have no holiday.",
         "calendar: Berlin", "calendar: DE-BE"),
    Code("E407", "an iCal file that is not understood",
         "Events with DTSTART, DTEND or DURATION, RRULE, EXDATE and RDATE, in a zone of the IANA database. What is\n"
         "not understood is refused: a freeze that nobody reads would be none."),
    Code("E408", "an experiment that cannot be scheduled",
         "The file is looked for from the schedule's folder upwards, and must be valid, with an environment that its\n"
         "chaos.yaml has: how long it may take decides when it may start."),
    Code("E409", "two schedules of one name",
         "A schedule is called as its file, without the ending. Occurrences are kept under that name, so two files\n"
         "would answer for one another."),
    Code("W320", "either of day and weekday is enough",
         "Where a cron text gives both, Vixie's cron is due on days that match one of them: `0 9 13 * 5` is each 13th\n"
         "and each Friday.",
         'cron: "0 9 13 * 5"', 'cron: "0 9 13 * +5"'),
    Code("W321", "business days without a calendar",
         "Monday to Friday is all that is known then; holidays are days like others.",
         "days: business", "days: business\ncalendar: DE-BE"),
)
