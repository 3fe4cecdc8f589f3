"""What is played: sites, their agents and links, who calls, what goes wrong, and how else it could be."""
