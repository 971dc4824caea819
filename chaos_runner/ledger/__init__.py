"""What daemons share: each due time and what became of it, who is at work, what is paused, what is still to be told."""
