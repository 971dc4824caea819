"""Playing a game day on a terminal."""
