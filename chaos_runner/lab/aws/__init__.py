"""A throw-away AWS on this machine: the moto server, and a small three-tier world in it."""
