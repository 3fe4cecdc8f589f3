"""What ours is measured against: the pooled queue, and how the field sends calls between sites.

A small simulator of its own, so that a mistake of the floor can't hide in the yardstick.
Priorities count for nothing here: first come, first served.
"""
