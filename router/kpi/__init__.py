"""Every formula of the field over the call ledger; a figure without data is None, never 0 or 100."""
