"""The daemon: starts the runs of schedules when they are due, and writes down what became of each."""
