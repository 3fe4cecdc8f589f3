"""The simulated PBX, a process of its own, and the driver that speaks to it."""
