"""The client side of the other sites: one stream a peer, and what it says translated."""
