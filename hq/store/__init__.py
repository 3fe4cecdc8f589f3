"""HQ's database: every branch's records, and what HQ itself knows of sites and days."""
