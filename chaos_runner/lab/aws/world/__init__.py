"""A small shop on AWS, in three tiers over three zones. Each file makes what one service has of it.

Everything is tagged `shop: <tier>`, so that experiments name it by what it is.
"""
