"""When experiments run by themselves: schedules, the calendar they keep to, and their occurrences."""
