"""The ways by which people are told, one file each. The file's name is the key that asks for it."""
