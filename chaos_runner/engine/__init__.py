"""The shell: threads, time, signals and the steps themselves. The only room with threads."""
