"""The headquarters node: consolidation, the directory, reports and planning."""
