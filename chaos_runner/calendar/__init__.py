"""What clocks and calendars say: zones, iCal files, lists of times in which nothing may run."""
