"""A whole cluster on virtual time: scenario, calls, people, faults, laws and the report. Opens no file."""
