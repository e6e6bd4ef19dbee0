"""What happens when machines, networks and processes fail."""
