"""Game days: what is planned for one, what has happened in it, and what comes next. Pure: no terminal, no process."""
