"""The simulated PBX: a switch with channels and bridges, trunks to its peers, and people on its phones.

It outlives the branch that steers it and knows nothing of queues: what its people saw is
an independent witness of what the branches' ledgers say.
"""
