"""What chaos tools, and people, leave in a cluster: found by looking at what is there, whoever has left it."""
