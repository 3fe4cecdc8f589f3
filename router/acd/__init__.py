"""One site: queues, agents, distribution, ringing and announcing."""
