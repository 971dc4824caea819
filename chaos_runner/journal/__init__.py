"""What survives: the events of a run, appended durably and read back."""
