"""Many sites on one machine as real processes: a day played fast, and a night."""
