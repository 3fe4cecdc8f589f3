"""The shell round one site's floor: what it hears becomes facts, what it says leaves after its rows."""
