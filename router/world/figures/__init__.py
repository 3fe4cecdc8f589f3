"""What a played day comes to: its tally, its report, and one variant beside another."""
