"""Every branch's records at HQ, provably: when to pull, the pull of one site, its proof."""
