"""A TCP proxy that slows and breaks connections, with Toxiproxy's HTTP API, as a process of its own."""
