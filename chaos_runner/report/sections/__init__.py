"""The parts of the page, one file each: a function from a run and its records to what its template places."""
