"""Between sites: site load, the choice of a site, and the hand-off machines of origin and helper."""
