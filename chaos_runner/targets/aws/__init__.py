"""AWS: accounts, what stands in them, and how it is tagged."""
