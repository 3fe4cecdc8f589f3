"""Return visits: answered callers who are called some days later, on a list that agents work off."""
