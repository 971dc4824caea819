"""What people read about a run afterwards."""
