"""What is asked: the nouns of an experiment file, loading it, and every rule it must keep."""
