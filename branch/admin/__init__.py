"""What a site's people set up at the command line: agents, queues, customers, and a new site itself."""
