"""A branch's database: the ledger and what derives from it, and the people, customers and queues."""
