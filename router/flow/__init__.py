"""The IVR: what a flow may consist of, what is wrong with one, and one caller's way through it."""
