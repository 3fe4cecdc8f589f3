"""What agents and supervisors do with a talk: consult, transfer, confer, pick up, listen in, record."""
