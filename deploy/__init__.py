"""Every way to run the cluster, from the lab on one machine to containers and services."""
