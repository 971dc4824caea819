"""The way back after the runner is gone."""
