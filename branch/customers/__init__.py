"""Who calls: their numbers, what agents are shown of them, and the notes written on them."""
