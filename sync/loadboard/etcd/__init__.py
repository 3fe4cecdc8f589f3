"""The load board on a real etcd: one session for the own record, one for the view of the others."""
