"""What happened: events, the one fold over them, the pure decision what comes next, and the verdict."""
