"""What what-if and lab share before people: reading a scenario and its calls, showing their report."""

from node.plays.files import BadFileError, check_report_path, read_calls, read_scenario, write_report
from node.plays.report_view import print_report

__all__ = ["BadFileError", "check_report_path", "print_report", "read_calls", "read_scenario", "write_report"]
