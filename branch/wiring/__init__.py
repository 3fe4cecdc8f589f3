"""The wiring of a branch, in the order in which its parts come: ground, core, doors."""
