"""The phones we ring: of agents, of customers who are called back, and numbers outside."""
