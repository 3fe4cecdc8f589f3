"""What a planner asks: what if, and what the past was like."""
