"""Kubernetes: whom a fault can hit there, how it is reached, and how what we touch is marked."""
