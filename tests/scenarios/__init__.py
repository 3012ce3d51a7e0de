"""What people do, through the front door: typed, pressed, seen, and received by DBC."""
