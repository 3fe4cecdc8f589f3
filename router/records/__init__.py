"""What the ledger's rows add up to: calls, hand-offs, agents' sessions and open work."""
