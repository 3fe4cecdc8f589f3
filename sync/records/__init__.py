"""The records that branches write and HQ collects: their tables, their codec and their days."""
