"""A small file of HQ, in plaintext, with one branch."""

FILE = """\
# HQ of acme.
[hq]
time_zone = "Asia/Shanghai"

[listen]
port = 0
metrics_port = 0

[tls]
plaintext = true

[database]
url = "sqlite:///hq.db"

[[site]]
id = "beijing"
address = "10.0.0.1:7443"
time_zone = "Asia/Shanghai"
"""
