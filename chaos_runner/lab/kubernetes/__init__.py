"""A throw-away Kubernetes on this machine: a real control plane, and nodes whose pods are simulated or really run.

`lab` opens and closes one. Everything that runs is built once from Go modules with pinned versions (`programs`,
`building`) and kept in the cache.
"""
