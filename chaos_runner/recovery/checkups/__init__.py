"""Looking over a platform for what was left there: by our runs, whose marks tell the way back, and by others."""
