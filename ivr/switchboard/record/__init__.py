"""What one transaction writes down: places in line, calls back, promises, agents, talks; nobody is dialled here."""
