"""The stages of a run, one file each: what opens it, how it goes on, and what follows from facts that belong to it."""
