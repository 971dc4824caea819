"""What chaos leaves on AWS that bears no mark of ours: each with whose it seems to be, and the safe way back."""
