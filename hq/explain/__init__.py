"""`trunkline explain`: one call's whole story, across sites, in plain words."""
