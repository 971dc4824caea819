"""A small real shop on this machine, to break and to look at: five programs that talk over HTTP and TCP.

    traffic ──▶ front ──▶ orders-1, orders-2 ──▶ proxy ──▶ store

`shop.py` starts and ends it. The programs use the standard library only, and none of them knows that it is a target:
whatever an experiment finds is what this code does when its neighbour is slow, paused or gone.
"""
