"""What happens to fleets."""
